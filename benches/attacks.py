"""Speed of attacks: candidates a second, HotFlip on one snippet, a menu of substitutes, the live score.

    python3 benches/attacks.py --classifier FOLDER [--rounds 5]

Run through `make bench-attacks`, which builds the example programs. Prints medians of the rounds with the
lowest and highest, beside what is asked for. The page over HTTP with ten people at once has its own command,
`make load`.
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

from speed import BIN, printed, snippets, spread, write_jsonl


def rates(classifier):
    """Candidate scores a second over the classifier's own on the same texts."""
    text = printed([BIN / "candidate_rate", classifier, "typos", "random"])
    found = re.findall(r"^([\w-]+): .* ratio ([\d.]+); \w+$", text, re.MULTILINE)
    return {f"{name}: scores a second, share of the classifier alone": float(rate) for name, rate in found}


def waits(classifier):
    """What a person waits for, in milliseconds."""
    text = printed([BIN / "attack_speed", classifier])
    rows = re.findall(r"^menu: (\d+) rows, \d+ refined, last: (\w+) +(\d+) ms", text, re.MULTILINE)
    menus, first = [], None
    for count, last, milliseconds in rows:
        if first is None and int(count) >= 16:
            first = float(milliseconds)
        if last == "true":
            menus.append((first, float(milliseconds)))
            first = None
    if not menus:
        sys.exit(f"attack_speed told of no menu:\n{text}")
    hotflip = re.search(r"^hotflip: .* (\d+) ms +\d+ ms of processor", text, re.MULTILINE)
    if hotflip is None:
        sys.exit(f"attack_speed told of no HotFlip:\n{text}")
    # The first menu of a process also warms caches up, as the first click on a page does.
    warm = menus[1:] or menus
    return {
        "menu: first 16 rows, ms": statistics.median(first for first, _ in warm),
        "menu: all 48 rows, ms": statistics.median(last for _, last in warm),
        "menu: first 16 rows of a process, ms": menus[0][0],
        "hotflip on one snippet, s": float(hotflip[1]) / 1e3,
    }


def live(classifier, rows):
    text = printed([BIN / "score_live", classifier, rows])
    return {"live score, p50 ms": float(re.search(r"p50 ([\d.]+) ms", text)[1])}


WANTED = {
    "typos: scores a second, share of the classifier alone": "at least 0.9",
    "random: scores a second, share of the classifier alone": "at least 0.9",
    "menu: first 16 rows, ms": "at most 300",
    "menu: all 48 rows, ms": "at most 800",
    "hotflip on one snippet, s": "under 2",
    "live score, p50 ms": "under 50, over HTTP",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classifier", type=Path, required=True, help="a trained classifier's folder")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        rows = write_jsonl(Path(folder) / "rows.jsonl", snippets()[:600])
        for _ in range(args.rounds):
            for part in (rates(args.classifier), waits(args.classifier), live(args.classifier, rows)):
                for name, value in part.items():
                    found.setdefault(name, []).append(value)
    print(f"medians of {args.rounds} rounds, [lowest, highest]\n")
    for name, values in found.items():
        print(f"{name:<60} {spread(values):<32} {WANTED.get(name, '')}")


if __name__ == "__main__":
    main()
