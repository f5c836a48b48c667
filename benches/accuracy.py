"""What products in bf16 change, beside 32 bits. Run through `make accuracy`.

    python benches/accuracy.py curves --bf16 FOLDER.. --f32 FOLDER..
    python benches/accuracy.py scores NINES PROJECT

- `curves`: the validation loss and AUROC at each evaluation of the same folds, batches and first
  weights in both precisions: the mean difference over folds and training seeds, with a 95 % interval
  over folds (a fold's seeds averaged; Student's t; approximate, because folds share training rows).
- `scores`: makes the demo project, draws at least 20,000 snippets from the starter prompts, scores
  them in both precisions with one classifier, calibrates in both, and prints how far logits and
  decisions are apart.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import stats

SNIPPETS = 20_000
DRAW_SEED = 7


def evaluations(folder):
    """For each fold: the losses and AUROCs of its evaluations."""
    folds = {}
    for file in sorted(Path(folder).glob("fold-*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))["record"]
        folds[file.stem] = [
            (e["step"], e["validation"]["loss"]["value"], e["validation"]["auroc"]["value"])
            for e in record["evaluations"]
        ]
    return folds


def interval(values):
    """Mean and 95 % interval of Student's t."""
    mean, error = np.mean(values), stats.sem(values)
    half = stats.t.ppf(0.975, len(values) - 1) * error
    return f"{mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]"


def curves(options):
    if len(options.bf16) != len(options.f32):
        sys.exit("bring the same training seeds in both precisions")
    pairs = [(evaluations(a), evaluations(b)) for a, b in zip(options.bf16, options.f32)]
    folds = sorted(pairs[0][0])
    if not folds or any(sorted(side) != folds for pair in pairs for side in pair):
        sys.exit("the folders do not hold the same folds")
    count = min(len(side[fold]) for pair in pairs for side in pair for fold in folds)
    print(f"bf16 - f32 on validation rows; {len(folds)} folds, {len(pairs)} training seeds")
    print(f"{'evaluation':>10}  {'loss in f32':>11}  {'difference in loss':28}  difference in AUROC")
    for place in range(count):
        if any(a[fold][place][0] != b[fold][place][0] for a, b in pairs for fold in folds):
            sys.exit(f"evaluation {place + 1} was not made at the same step everywhere")
        def difference(which):
            return [
                np.mean([a[fold][place][which] - b[fold][place][which] for a, b in pairs])
                for fold in folds
            ]
        loss = np.mean([b[fold][place][1] for _, b in pairs for fold in folds])
        print(f"{place + 1:>10}  {loss:>11.4f}  {interval(difference(1)):28}  {interval(difference(2))}")


def run(nines, project, *words, precision=None):
    command = [nines, "--project", project, "--quiet", "--json", *words]
    if precision:
        command += ["--precision", precision]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout)


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def scores(options):
    project = Path(options.project)
    project.parent.mkdir(parents=True, exist_ok=True)
    run(options.nines, project, "demo", "--no-serve")
    snippets = project / "snippets.jsonl"
    prompts = len({row["prompt"] for row in exported(options.nines, project, snippets)})
    draws = -(-SNIPPETS // prompts)
    run(options.nines, project, "generate", "--n", draws, "--seed", DRAW_SEED)
    # Calibrating draws completions of its own, in each precision.
    thresholds = {
        precision: run(options.nines, project, "calibrate", precision=precision)["record"]["threshold"]
        for precision in ("f32", "bf16")
    }
    exported(options.nines, project, snippets)
    rows = {}
    for precision in thresholds:
        out = project / f"scores-{precision}.jsonl"
        out.unlink(missing_ok=True)
        run(options.nines, project, "score", snippets, "--out", out, precision=precision)
        rows[precision] = read(out)
    if any(a["completion"] != b["completion"] for a, b in zip(rows["f32"], rows["bf16"], strict=True)):
        sys.exit("the two files do not hold the same snippets")
    logits = {p: np.array([row["score"] for row in rows[p]]) for p in rows}
    accepted = {p: np.array([row["accepted"] for row in rows[p]]) for p in rows}
    apart = np.abs(logits["bf16"] - logits["f32"])
    differ = int(np.sum(accepted["bf16"] != accepted["f32"]))
    print(f"{len(apart):,} snippets, one classifier; logits in f32 from {logits['f32'].min():.2f} "
          f"to {logits['f32'].max():.2f}")
    print(f"difference in logit: median {np.median(apart):.4f}, 99th percentile "
          f"{np.quantile(apart, 0.99):.4f}, 99.9th {np.quantile(apart, 0.999):.4f}, largest {apart.max():.4f}")
    print(f"rank correlation {stats.spearmanr(logits['bf16'], logits['f32'])[0]:.6f}")
    for precision in rows:
        print(f"{precision}: threshold at logit {thresholds[precision]:.4f}, accepted {accepted[precision].mean():.2%}")
    print(f"decisions that differ, each with its own threshold: {differ} of {len(apart):,} "
          f"({differ / len(apart):.3%})")


def exported(nines, project, path):
    path.unlink(missing_ok=True)
    run(nines, project, "export", "snippets", "--out", path)
    return read(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("curves")
    command.add_argument("--bf16", nargs="+", required=True, metavar="FOLDER")
    command.add_argument("--f32", nargs="+", required=True, metavar="FOLDER")
    command.set_defaults(run=curves)
    command = commands.add_parser("scores")
    command.add_argument("nines")
    command.add_argument("project")
    command.set_defaults(run=scores)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
