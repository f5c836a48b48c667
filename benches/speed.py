"""Speed of nines beside PyTorch and transformers, in turn, on the same inputs; prints ratios.

    .venv-reference/bin/python benches/speed.py [--rounds 3] [--only score,score-bf16,train,train-bf16,generate]

Run through `make bench`, which builds the two example programs. Scoring: 2,000 starter snippets of
real lengths, each side's own batches, sorted by length. Training: forward, backward, clipping and
AdamW over the same 640 snippets, batches of 32; PyTorch's are sorted by length, which helps it.
Both are timed in 32 bits on both sides, and in bf16 on both (PyTorch's autocast, on the same CPU).
Generation: 8 completions for each of 50 prompts; nines stops each at its sentence, transformers
writes 32 tokens each, and both are counted in tokens a second. Both start from the same Q4_1 GGUF
file, which nines keeps quantised and transformers unpacks to float32. Each side warms up before it
is timed, on some of the rows.

Prompts come from NINES_TRIAL_PROMPTS (JSON lines with `prompt`, .gz or not) where that is set.
"""

import argparse
import gzip
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples"


def cache(name):
    home = os.environ.get("NINES_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "nines"
    )
    return Path(home) / name


def snippets():
    rows = []
    for file in sorted((ROOT / "data" / "starter").glob("*.jsonl")):
        with open(file, encoding="utf-8") as lines:
            rows += [{k: r[k] for k in ("prompt", "completion")} for r in map(json.loads, lines)]
    return rows


def trial_prompts():
    path = os.environ.get("NINES_TRIAL_PROMPTS")
    if not path:
        return []
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["prompt"] for line in itertools.islice(lines, 50)]


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def encoded(rows, path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(cache("minilm-l6"))
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    out = [tokenizer(r["prompt"], r["completion"]) for r in rows]
    path.write_text(
        json.dumps([{"ids": e["input_ids"], "type_ids": e["token_type_ids"]} for e in out]),
        encoding="utf-8",
    )


def ours(command, pattern):
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(value) for value in re.findall(pattern, text)]


def peer(task, rows, model, batch, *more):
    command = [sys.executable, ROOT / "benches" / "peer.py", task, "--snippets", rows, "--model", model]
    command += more
    text = subprocess.run(
        [*command, "--batch", str(batch)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(text.strip().splitlines()[-1])["per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="score,score-bf16,train,train-bf16,generate")
    args = parser.parse_args()
    wanted = args.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rows = snippets()
        step = len(rows) // 2000
        write_jsonl(folder / "score.jsonl", rows[::step][:2000])
        write_jsonl(folder / "train.jsonl", rows[:: len(rows) // 640][:640])
        prompts = list(dict.fromkeys(trial_prompts() or [r["prompt"] for r in rows]))[:50]
        write_jsonl(folder / "prompts.jsonl", [{"prompt": p} for p in prompts])
        encoded(rows[::step][:2000], folder / "score.json")
        encoded(rows[:: len(rows) // 640][:640], folder / "train.json")
        base, gguf = cache("minilm-l6"), next(cache("smollm2-135m").glob("*.gguf"))
        speed = BIN / "bert_speed"
        tasks = {
            "score": (
                "snippets",
                lambda: ours([speed, base, folder / "score.json", "32", "0"], r"scoring: ([\d.]+)")[0],
                lambda: max(peer("score", folder / "score.jsonl", base, b) for b in (16, 64)),
            ),
            "score-bf16": (
                "snippets",
                lambda: ours([speed, base, folder / "score.json", "32", "0", "bf16"], r"scoring: ([\d.]+)")[0],
                lambda: max(peer("score", folder / "score.jsonl", base, b, "--bf16") for b in (16, 64)),
            ),
            "train-bf16": (
                "snippets",
                lambda: ours([speed, base, folder / "train.json", "32", "19", "bf16"], r"training: ([\d.]+)")[0],
                lambda: peer("train", folder / "train.jsonl", base, 32, "--bf16"),
            ),
            "train": (
                "snippets",
                lambda: ours([speed, base, folder / "train.json", "32", "19"], r"training: ([\d.]+)")[0],
                lambda: peer("train", folder / "train.jsonl", base, 32),
            ),
            "generate": (
                "tokens",
                lambda: ours([BIN / "generate_speed", gguf, folder / "prompts.jsonl", "8"], r": (\d+) tokens a second")[0],
                lambda: peer("generate", folder / "prompts.jsonl", str(gguf), 32),
            ),
        }
        for task in wanted:
            unit, mine, theirs = tasks[task]
            pairs = []
            for _ in range(args.rounds):
                pairs.append((mine(), theirs()))
                print(f"{task}: nines {pairs[-1][0]:.1f}, PyTorch {pairs[-1][1]:.1f} {unit}/s", flush=True)
            ratios = [a / b for a, b in pairs]
            print(
                f"{task}: nines {statistics.median(a for a, _ in pairs):.0f}, PyTorch "
                f"{statistics.median(b for _, b in pairs):.0f} {unit}/s (medians of {args.rounds}); "
                f"ratio {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
            )


if __name__ == "__main__":
    main()
