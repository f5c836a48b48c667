"""Speed of nines beside its peers, in turn, on the same inputs; prints a table with ratios.

    .venv-reference/bin/python benches/speed.py [--rounds 3] [--only score,score-bf16,...]

Run through `make bench`, which builds the example programs and installs the peers.

- `score`, `score-bf16`: 2,000 starter snippets of real lengths through the classifier, each side's
  own batches, sorted by length; PyTorch and ONNX Runtime at the better of two batch sizes.
- `train`, `train-bf16`: forward, backward, clipping and AdamW over 640 of them, batches of 32;
  PyTorch's are sorted by length, which helps it.
- `generate`: 8 completions for each of 50 prompts, from one Q4_1 GGUF file. nines stops each at its
  sentence and samples as the filter does; transformers (unpacked to float32) and llama.cpp (weights
  repacked; built without AMX, whose packing crashes on this model; choosing tokens not counted; the
  better of two batch sizes) write 32 tokens each.
- `generate-one`: one completion for each of 10 prompts, one after the other; llama.cpp with and without
  repacked weights.
- `score-mpnet`, `score-mpnet-bf16`, `train-mpnet-bf16`: the same with 12 layers of 768/3072 (random
  weights).

With `--classifier FOLDER`, the time that one edited snippet's score takes comes first.

Where a row says just "nines", it multiplies in the fastest precision that the CPU has: bf16 on AMX or
on AMD's AVX-512, else 32 bits. Every side warms up before it is timed; loading and tokenising are not timed, but for the
prompts of `generate`. Sides take turns, and the ratio of a round is that of runs next to each other.
For products, a row also says how much of the machine's measured peak (a large product of the same
kind in PyTorch, timed in the same round) it reaches. Prompts come from NINES_TRIAL_PROMPTS (JSON lines with `prompt`,
.gz or not) where that is set.
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
WORK = ROOT / ".cache" / "bench"
TASKS = (
    "score,score-bf16,train,train-bf16,generate,generate-one,"
    "score-mpnet,score-mpnet-bf16,train-mpnet-bf16"
)
# llama.cpp built without AMX (`make bench` does it).
LLAMA = ROOT / ".venv-reference" / "llama"


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
    return path


class Rows:
    """Snippets as text for the peers and as tokens for nines."""

    def __init__(self, folder, name, rows):
        from transformers import AutoTokenizer

        self.text = write_jsonl(folder / f"{name}.jsonl", rows)
        tokenizer = AutoTokenizer.from_pretrained(cache("minilm-l6"))
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
        out = [tokenizer(r["prompt"], r["completion"]) for r in rows]
        self.lengths = [len(e["input_ids"]) for e in out]
        self.tokens = folder / f"{name}.json"
        encoded = [{"ids": e["input_ids"], "type_ids": e["token_type_ids"]} for e in out]
        self.tokens.write_text(json.dumps(encoded), encoding="utf-8")

    def flops(self, layers, hidden, inner):
        """Of one forward pass for a row, on average: products alone."""
        tokens = statistics.fmean(self.lengths)
        squares = statistics.fmean(n * n for n in self.lengths)
        return layers * (tokens * (8 * hidden * hidden + 4 * hidden * inner) + 4 * squares * hidden)


def mpnet_shaped():
    """A BERT folder with 12 layers of 768/3072, random weights and the default tokenizer."""
    folder = WORK / "mpnet-shaped"
    if not (folder / "model.safetensors").exists():
        import torch
        from transformers import AutoTokenizer, EncoderConfig, BertModel

        torch.manual_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(cache("minilm-l6"))
        tokenizer.save_pretrained(folder)
        BertModel(EncoderConfig(vocab_size=len(tokenizer))).save_pretrained(folder)
    return folder


def printed(command, **variables):
    """What a command prints; what it says besides is shown only if it fails."""
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}\nexit status {done.returncode}")
    return done.stdout


def ours(command, pattern):
    return float(re.findall(pattern, printed(command))[0])


def peer(script, *command, **variables):
    text = printed([sys.executable, ROOT / "benches" / script, *command], **variables)
    return json.loads(text.strip().splitlines()[-1])["per_second"]


def tasks(folder):
    """For each task: unit, operations for one unit (or None), and each side's run."""
    rows = snippets()
    score = Rows(folder, "score", rows[:: len(rows) // 2000][:2000])
    train = Rows(folder, "train", rows[:: len(rows) // 640][:640])
    few = Rows(folder, "few", rows[:: len(rows) // 320][:320])
    prompts = list(dict.fromkeys(trial_prompts() or [r["prompt"] for r in rows]))[:50]
    prompts = write_jsonl(folder / "prompts.jsonl", [{"prompt": p} for p in prompts])
    ten = write_jsonl(
        folder / "ten.jsonl", [json.loads(p) for p in prompts.read_text("utf-8").splitlines()[:10]]
    )
    base, gguf = cache("minilm-l6"), next(cache("smollm2-135m").glob("*.gguf"))
    minilm, mpnet = (6, 384, 1536), (12, 768, 3072)

    def scored(rows, model, word):
        command = [BIN / "encoder_speed", model, rows.tokens, 32, 0, word]
        return lambda: ours(command, r"scoring: ([\d.]+)")

    def trained(rows, model, word):
        command = [BIN / "encoder_speed", model, rows.tokens, 32, len(rows.lengths) // 32 - 1, word]
        return lambda: ours(command, r"training: ([\d.]+)")

    def generated(prompts, draws, batch):
        command = [BIN / "generate_speed", gguf, prompts, draws, batch]
        return lambda: ours(command, r": (\d+) tokens a second")

    def torch(task, rows, model, *more, batches=(16, 64)):
        common = (task, "--snippets", rows.text, "--model", model, *more)
        return lambda: max(peer("peer.py", *common, "--batch", size) for size in batches)

    def onnx(rows, model, *more):
        common = ("--snippets", rows.text, "--model", model, "--work", WORK, *more)
        return lambda: max(peer("peer_onnx.py", *common, "--batch", size) for size in (16, 64))

    def llama(prompts, completions, batches, *more):
        common = ("--model", gguf, "--prompts", prompts, "--completions", completions, *more)
        return lambda: max(
            peer("peer_llama.py", *common, "--batch", size, PYTHONPATH=LLAMA) for size in batches
        )

    def transformers(prompts, completions, batch):
        common = ("generate", "--snippets", prompts, "--model", gguf, "--completions", completions)
        return lambda: peer("peer.py", *common, "--batch", batch)

    return {
        "score": ("snippets", score.flops(*minilm), {
            "nines f32": scored(score, base, "f32"),
            "PyTorch f32": torch("score", score, base),
            "ONNX Runtime f32": onnx(score, base),
        }),
        "score-bf16": ("snippets", score.flops(*minilm), {
            "nines": scored(score, base, "bf16"),
            "PyTorch bf16 autocast": torch("score", score, base, "--bf16"),
            "PyTorch bf16 weights": torch("score", score, base, "--bf16-weights"),
            "ONNX Runtime int8": onnx(score, base, "--int8"),
        }),
        "train": ("snippets", 3 * train.flops(*minilm), {
            "nines f32": trained(train, base, "f32"),
            "PyTorch f32": torch("train", train, base, batches=(32,)),
        }),
        "train-bf16": ("snippets", 3 * train.flops(*minilm), {
            "nines": trained(train, base, "bf16"),
            "PyTorch bf16 autocast": torch("train", train, base, "--bf16", batches=(32,)),
        }),
        "generate": ("tokens", None, {
            "nines": generated(prompts, 8, 64),
            "llama.cpp": llama(prompts, 8, (32, 64), "--repack"),
            "transformers f32": transformers(prompts, 8, 32),
        }),
        "generate-one": ("tokens", None, {
            "nines": generated(ten, 1, 1),
            "llama.cpp": llama(ten, 1, (1,), "--repack"),
            "llama.cpp, not repacked": llama(ten, 1, (1,)),
        }),
        "score-mpnet": ("snippets", few.flops(*mpnet), {
            "nines f32": scored(few, mpnet_shaped(), "f32"),
            "PyTorch f32": torch("score", few, mpnet_shaped(), batches=(32,)),
            "ONNX Runtime f32": onnx(few, mpnet_shaped()),
        }),
        "score-mpnet-bf16": ("snippets", few.flops(*mpnet), {
            "nines": scored(few, mpnet_shaped(), "bf16"),
            "PyTorch bf16 autocast": torch("score", few, mpnet_shaped(), "--bf16", batches=(32,)),
            "PyTorch bf16 weights": torch("score", few, mpnet_shaped(), "--bf16-weights", batches=(32,)),
            "ONNX Runtime int8": onnx(few, mpnet_shaped(), "--int8"),
        }),
        "train-mpnet-bf16": ("snippets", 3 * few.flops(*mpnet), {
            "nines": trained(few, mpnet_shaped(), "bf16"),
            "PyTorch bf16 autocast": torch("train", few, mpnet_shaped(), "--bf16", batches=(32,)),
        }),
    }


def spread(values):
    return f"{statistics.median(values):.4g} [{min(values):.4g}, {max(values):.4g}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=TASKS, help=f"of {TASKS}")
    parser.add_argument("--classifier", type=Path, help="a trained classifier's folder")
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        chosen = tasks(Path(folder))
        unknown = set(args.only.split(",")) - chosen.keys()
        if unknown:
            sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {TASKS}")
        print(f"medians of {args.rounds} rounds, [lowest, highest]; ratio: the first side over each other\n")
        if args.classifier:
            snippets = Path(folder) / "score.jsonl"
            print("one edited snippet's score, from text to logit")
            for precision in (["f32"], []):
                command = [BIN / "score_live", args.classifier, snippets, *precision]
                print("  " + printed(command).strip(), flush=True)
        for task in args.only.split(","):
            unit, operations, sides = chosen[task]
            found, peaks = {name: [] for name in sides}, []
            for _ in range(args.rounds):
                for name, run in sides.items():
                    found[name].append(run())
                if operations:
                    kind = ["--bf16"] if "bf16" in task else []
                    peaks.append(peer("peer.py", "peak", *kind))
            first, *others = found
            print(f"{task}, {unit} a second")
            for name in found:
                line = f"  {name:<24}{spread(found[name]):<26}"
                if name != first:
                    line += "ratio " + spread([a / b for a, b in zip(found[first], found[name])])
                elif operations:
                    share = [rate * operations / peak for rate, peak in zip(found[name], peaks)]
                    line += f"{100 * statistics.median(share):.0f} % of the peak of {statistics.median(peaks) / 1e9:.0f} GFLOP/s"
                print(line, flush=True)


if __name__ == "__main__":
    main()
