"""Does a saved classifier score in transformers as it does in nines?

    nines score snippets.jsonl --out scores.jsonl
    python golden/check_export.py CLASSIFIER_FOLDER scores.jsonl

Every row of the file has `prompt`, `completion` and `score` (the logit). Prints the largest
difference; fails above 1e-4.
"""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

LIMIT = 1e-4

folder, scores = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
model.eval()
for what, names in report.items():
    if names:
        sys.exit(f"{what}: {names}")
assert model.config.num_labels == 1 and model.config.problem_type == "multi_label_classification"

with open(scores, encoding="utf-8") as file:
    rows = [json.loads(line) for line in file if line.strip()]
worst = 0.0
for start in range(0, len(rows), 32):
    part = rows[start : start + 32]
    batch = tokenizer(
        [row["prompt"] for row in part],
        [row["completion"] for row in part],
        padding=True,
        truncation=False,
        return_tensors="pt",
    )
    with torch.no_grad():
        logits = model(**batch).logits[:, 0].tolist()
    worst = max(worst, *(abs(a - row["score"]) for a, row in zip(logits, part)))
print(f"{len(rows)} snippets, largest difference in logit {worst:.2e}")
if worst > LIMIT:
    sys.exit(f"more than {LIMIT}")
