"""The attacks of the fixture folder in TextAttack, and row by row against those of nines.

    .venv-textattack/bin/python benches/peer_textattack.py FOLDER NINES [--out FILE]

Run through `make textattack`. FOLDER holds what both sides read (`benches/peer_textattack_inputs.py`),
NINES the rows that the example program `textattack` of nines-attack wrote: for every attack and start the
text, the outcome, the number of queries, and for the random order the words in that order.

TextAttack itself searches: its goal function, constraints, searches and counting, unchanged. From here come
the victim, the list of substitutes, and for the random order the order that nines drew. Where a row
differs, it is run again with one of the circumstances below removed, and the row is explained only if it is
then the same. Any other difference makes the command fail. `--out` keeps TextAttack's rows, with what had
to be removed, as the fixture of the tests.
"""

import argparse
import importlib.abc
import importlib.machinery
import importlib.metadata
import itertools
import json
import math
import os
import sys
import types
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer_textattack_inputs import logit  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
# Packages that TextAttack imports for parts which nothing here calls, some of them for gigabytes.
UNUSED = (
    "bert_score datasets editdistance flair jieba langdetect language_tool_python lemminflect Levenshtein "
    "more_itertools nltk num2words OpenHowNet pandas pinyin requests terminaltables word2number"
).split()

# Why TextAttack's row can be another one. Each is removed, alone or with others, until the row is the same.
CIRCUMSTANCES = {
    "ties": "numpy's sort does not keep equal scores in their order, from 17 numbers on; removed: a stable sort",
    "shifts": "after a substitute of two words the greedy search goes on at the old numbers, which are other "
    "words by then; removed: the numbers follow their words",
    "counts": "changed words are counted by position, so that behind a substitute of two words all count; "
    "removed: as few as possible are counted",
}


class Absent(type):
    """Stands for a class or function of a package that is not there."""

    def __call__(cls, *_, **__):
        # The one call that importing TextAttack makes: the stop words of its augmenters.
        if cls.__name__ == "nltk.corpus.stopwords.words":
            return []
        raise RuntimeError(f"{cls.__name__} is not installed in .venv-textattack")

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{cls.__name__}.{name}", (), {})


class AbsentModule(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}", (), {})


class AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, _path, _target=None):
        if name.split(".")[0] in UNUSED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return AbsentModule(spec.name)

    def exec_module(self, module):
        module.__path__ = []


def stay_home():
    """Keeps TextAttack from what it downloads when it is imported for the first time."""
    home = ROOT / ".cache" / "textattack" / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "post_install_check_3").touch()
    os.environ |= {"TA_CACHE_DIR": str(home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    sys.meta_path.insert(0, AbsentFinder())


stay_home()
import logging  # noqa: E402

logging.disable(logging.WARNING)
import numpy  # noqa: E402
import textattack  # noqa: E402
import torch  # noqa: E402
from textattack.constraints.overlap import MaxWordsPerturbed  # noqa: E402
from textattack.constraints.pre_transformation import (  # noqa: E402
    InputColumnModification,
    RepeatModification,
    StopwordModification,
)
from textattack.search_methods import BeamSearch, GreedySearch, GreedyWordSwapWIR  # noqa: E402
from textattack.search_methods import beam_search, greedy_word_swap_wir  # noqa: E402
from textattack.transformations import WordSwap  # noqa: E402


class Linear(textattack.models.wrappers.ModelWrapper):
    """The victim: probabilities in 64 bits, of one text or of a prompt with its completion."""

    def __init__(self, model):
        self.model = model

    def __call__(self, texts):
        rows = []
        for text in texts:
            z = logit(self.model, text if isinstance(text, str) else " ".join(text))
            injury = 1 / (1 + math.exp(-z))
            rows.append([1 - injury, injury])
        return torch.tensor(rows, dtype=torch.float64)


class Listed(WordSwap):
    """Substitutes from a list."""

    def __init__(self, lists):
        super().__init__()
        self.lists = lists

    def _get_replacement_words(self, word):
        return self.lists.get(word, [])


class Stable(numpy.ndarray):
    def argsort(self, *_, **__):
        return numpy.asarray(self).argsort(kind="stable")


class Numpy:
    """numpy as the searches see it: with sorts that keep equal numbers in their order, and a given shuffle."""

    def __init__(self, stable, order):
        self.stable = stable
        self.random = types.SimpleNamespace(shuffle=self.shuffle)
        self.order = order

    def __getattr__(self, name):
        return getattr(numpy, name)

    def array(self, values):
        made = numpy.array(values)
        return made.view(Stable) if self.stable else made

    def shuffle(self, places):
        if sorted(places) != sorted(self.order):
            raise SystemExit(f"nines shuffles the words {sorted(self.order)}, TextAttack {sorted(places)}")
        places[:] = self.order


class Attack(textattack.Attack):
    """TextAttack's attack without the circumstances that are named."""

    def __init__(self, *arguments, without):
        self.without = without
        super().__init__(*arguments)

    def get_transformations(self, current_text, original_text=None, **settings):
        if "shifts" in self.without and "indices_to_modify" in settings:
            settings["shifted_idxs"] = True
        return super().get_transformations(current_text, original_text, **settings)


class MaxWordsChanged(MaxWordsPerturbed):
    """Counts as few changed words as possible, with TextAttack's own count of these."""

    def _check_constraint(self, transformed_text, reference_text):
        return transformed_text.words_diff_num(reference_text) <= self.max_num_words


HALVES = ["prompt", "completion"]


def attack_of(settings, files, without):
    goal = textattack.goal_functions.UntargetedClassification(
        Linear(files["victim"]), query_budget=settings["queries"] or float("inf")
    )
    lists = dict(files["candidates"]["single"])
    if settings["candidates"] == "several":
        lists |= files["candidates"]["several"]
    constraints = [
        RepeatModification(),
        StopwordModification(stopwords=files["stop_words"]),
        (MaxWordsChanged if "counts" in without else MaxWordsPerturbed)(max_num_words=settings["max_words"]),
    ]
    if settings["halves"] == "completion of both":
        constraints.append(InputColumnModification(HALVES, {"prompt"}))
    if settings["search"] == "greedy":
        search = GreedyWordSwapWIR(wir_method=settings["importance"])
    elif settings["width"] == 1:
        search = GreedySearch()
    else:
        search = BeamSearch(beam_width=settings["width"])
    return Attack(goal, constraints, Listed(lists), search, without=without)


def text_of(settings, start):
    if settings["halves"] == "completion":
        return start["completion"]
    return OrderedDict((half, start[half]) for half in HALVES)


def halves_of(text):
    return {"prompt": "", "completion": text} if isinstance(text, str) else dict(zip(HALVES, text))


OUTCOMES = {
    "SuccessfulAttackResult": "reached",
    "FailedAttackResult": "failed",
    "SkippedAttackResult": "skipped",
}


def run(settings, files, start, order, without):
    numbers = Numpy("ties" in without, order)
    greedy_word_swap_wir.np = beam_search.np = numbers
    result = attack_of(settings, files, without).attack(text_of(settings, start), 1)
    end = result.perturbed_result
    return {
        "outcome": OUTCOMES[type(result).__name__],
        "queries": end.num_queries,
        **halves_of(end.attacked_text.tokenizer_input),
    }


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def read(folder):
    files = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("victim", "candidates")}
    return files | json.loads((folder / "attacks.json").read_text()) | {
        "starts": read_lines(folder / "starts.jsonl")
    }


FIELDS = ("outcome", "queries", "prompt", "completion")


def compare(settings, files, index, ours):
    """TextAttack's row, and what had to be removed for it to be ours; None where nothing helps."""
    first = None
    for size in range(len(CIRCUMSTANCES) + 1):
        for without in itertools.combinations(CIRCUMSTANCES, size):
            row = run(settings, files, files["starts"][index], ours["order"], without)
            first = first or row
            if all(row[field] == ours[field] for field in FIELDS):
                return row, list(without)
    return first, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("nines", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    files = read(arguments.folder)
    ours = {(row["attack"], row["start"]): row for row in read_lines(arguments.nines)}
    kept, unexplained = [], []
    table = defaultdict(Counter)
    for settings in files["attacks"]:
        name = settings["name"]
        for index in range(len(files["starts"])):
            row, without = compare(settings, files, index, ours[name, index])
            kept.append({"attack": name, "start": index, **row, "without": without})
            table[name][row["outcome"]] += 1
            table[name]["queries"] += row["queries"]
            table[name]["the same"] += without == []
            table[name]["unexplained"] += without is None
            table[name].update(without or [])
            if without is None:
                unexplained.append((kept[-1], ours[name, index]))
    print_table(table, len(files["starts"]))
    for theirs, mine in unexplained[:10]:
        print("TextAttack", json.dumps(theirs), "nines     ", json.dumps(mine), sep="\n")
    if arguments.out and not unexplained:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        arguments.out.write_text("".join(lines), encoding="utf-8")
    if unexplained:
        raise SystemExit(f"{len(unexplained)} rows differ, and nothing explains why")


def print_table(table, starts):
    version = importlib.metadata.version("textattack")
    print(f"TextAttack {version}, numpy {numpy.__version__}; {starts} starts for each attack\n")
    cells = ["reached", "failed", "skipped", "queries", "the same", *CIRCUMSTANCES, "unexplained"]
    print("| attack |", " | ".join(cells), "|")
    print("|---|" + "---:|" * len(cells))
    for name, row in table.items():
        print("|", name, "|", " | ".join(str(row[cell]) for cell in cells), "|")
    print()
    for circumstance, words in CIRCUMSTANCES.items():
        print(f"- {circumstance}: {words}.")


if __name__ == "__main__":
    main()
