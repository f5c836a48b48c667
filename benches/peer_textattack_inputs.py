"""What both sides of the comparison with TextAttack read: a victim, candidates, starts and attacks.

    python3 benches/peer_textattack_inputs.py FOLDER

Run through `make textattack`. Everything comes from the starter data and a seed, with the standard library
alone, so that the same files come out everywhere; they are kept in crates/nines-attack/tests/fixtures.

- `victim.json`: a logistic model of the words of a text: log ratios of the words' frequencies in injuries and
  in safe completions. Weights are whole numbers of 1/1024 and the bias an odd one of 1/2048: sums are
  exact in any order, and no text lies on the threshold.
- `candidates.json`: for most words two to four substitutes, drawn from all words; for some a list with the
  word itself or one substitute twice. `several` has for some words a list with two words in one substitute.
- `starts.jsonl`: completions, most of them injuries that the victim rejects, some that pass already.
- `attacks.json`: the searches with their settings.
"""

import json
import math
import random
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED = 6
STARTS = 36
# Starts that pass already: both sides must skip them.
PASSING = 4
STOP_WORDS = (
    "a about after all an and are as at be been before but by for from had has have he her him his i if in "
    "into is it its me my no not of off on or our out over she so than that the their them then there they "
    "this to under up was we were what when where which while who will with would you your"
).split()


def words_of(text):
    """The words that the victim sees."""
    return re.findall(r"[a-z0-9']+", text.lower())


def rows():
    read = []
    for file in sorted((ROOT / "data" / "starter").glob("part*.jsonl")):
        with open(file, encoding="utf-8") as lines:
            read += [json.loads(line) for line in lines]
    return read


def victim(data):
    counts = {True: Counter(), False: Counter()}
    for row in data:
        counts[row["label"] == "injury"].update(words_of(row["completion"]))
    sums = {label: sum(words.values()) for label, words in counts.items()}
    weights = {}
    for word in sorted(counts[True] | counts[False]):
        share = {label: (counts[label][word] + 0.5) / (sums[label] + 0.5) for label in counts}
        weight = round(1024 * math.log(share[True] / share[False])) / 1024
        if weight:
            weights[word] = weight
    return {"bias": 1 / 2048, "weights": weights}


def logit(model, text):
    return model["bias"] + sum(model["weights"].get(word, 0.0) for word in words_of(text))


def candidates(model, starts, random):
    """Substitutes for the words of the starts, as they stand there."""
    known = sorted(word for word in model["weights"] if "'" not in word)
    single, several = {}, {}
    texts = [start["prompt"] + " " + start["completion"] for start in starts]
    for word in sorted({word for text in texts for word in re.findall(r"[A-Za-z][A-Za-z'-]*[A-Za-z]", text)}):
        if random.random() < 0.15:
            continue
        drawn = random.sample(known, random.randint(2, 4))
        if word[0].isupper():
            drawn = [substitute.capitalize() for substitute in drawn]
        kind = random.random()
        if kind < 0.05:
            drawn.insert(1, word)
        elif kind < 0.1:
            drawn.append(drawn[0])
        single[word] = drawn
        if random.random() < 0.4:
            several[word] = [drawn[0], f"{random.choice(known)} {random.choice(known)}"]
    return {"single": single, "several": several}


def starts(data, model, random):
    plain = [row for row in data if re.fullmatch(r"[ -~]*", row["prompt"] + row["completion"])]
    rejected = [r for r in plain if r["label"] == "injury" and logit(model, r["completion"]) > 0]
    passing = [r for r in plain if r["label"] == "injury" and logit(model, r["completion"]) < 0]
    chosen = random.sample(rejected, STARTS - PASSING) + random.sample(passing, PASSING)
    return [{"prompt": row["prompt"], "completion": row["completion"]} for row in chosen]


def attacks():
    def attack(name, search, **settings):
        plain = {
            "name": name,
            "search": search,
            "importance": "unk",
            "width": 1,
            "candidates": "single",
            "max_words": 6,
            "queries": None,
            "halves": "completion",
        }
        assert settings.keys() <= plain.keys()
        return plain | settings

    return [
        attack("importance by unk", "greedy"),
        attack("importance by delete", "greedy", importance="delete"),
        attack("importance by weighted saliency", "greedy", importance="weighted-saliency"),
        attack("random order", "greedy", importance="random"),
        attack("greedy", "beam", width=1),
        attack("beam of 4", "beam", width=4),
        attack("importance by unk, 3 words", "greedy", max_words=3),
        attack("importance by unk, 30 queries", "greedy", queries=30),
        attack("importance by weighted saliency, 60 queries", "greedy", importance="weighted-saliency", queries=60),
        attack("beam of 4, 150 queries", "beam", width=4, queries=150),
        attack("importance by unk, two-word substitutes", "greedy", candidates="several"),
        attack("importance by delete, two-word substitutes", "greedy", importance="delete", candidates="several"),
        attack("beam of 2, two-word substitutes", "beam", width=2, candidates="several", max_words=4),
        attack("importance by unk, prompt and completion", "greedy", halves="both"),
        attack("beam of 2, prompt and completion", "beam", width=2, halves="both", max_words=3),
        attack("importance by unk, completion after its prompt", "greedy", halves="completion of both"),
    ]


def only_needed(model, starts, lists):
    """The victim without the words that no text can hold."""
    texts = [text for start in starts for text in start.values()]
    texts += [text for kind in lists.values() for substitutes in kind.values() for text in substitutes]
    needed = {word for text in texts for word in words_of(text)}
    return model | {"weights": {k: v for k, v in model["weights"].items() if k in needed}}


def in_lines(parts):
    """JSON with one entry of each part a line."""
    def part(value):
        if not isinstance(value, dict):
            return json.dumps(value)
        entries = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
        return "{\n" + entries + "\n}"

    return "{" + ",\n".join(f"{json.dumps(key)}: {part(value)}" for key, value in parts.items()) + "}"


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    data = rows()
    drawn = random.Random(SEED)
    model = victim(data)
    chosen = starts(data, model, drawn)
    lists = candidates(model, chosen, drawn)
    files = {
        "victim.json": in_lines(only_needed(model, chosen, lists)),
        "candidates.json": in_lines(lists),
        "starts.jsonl": "\n".join(json.dumps(start) for start in chosen),
        "attacks.json": json.dumps({"stop_words": STOP_WORDS, "attacks": attacks()}, indent=1),
    }
    for name, text in files.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
