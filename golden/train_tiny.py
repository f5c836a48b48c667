"""A dozen updates of the tiny classifier of bert_tiny.py by torch: losses, gradient norms, logits.

    python golden/train_tiny.py

writes fixtures/train_tiny.json. One batch holds all rows, dropout is off, so that nothing but the
arithmetic of loss, clipping, AdamW and schedule is compared.
"""

import json
import math
from pathlib import Path

import torch
from transformers import BertForSequenceClassification

FIXTURES = Path(__file__).parent / "fixtures"
STEPS, RATE, WARMUP, DECAY, CLIP, WEIGHT = 12, 3e-3, 0.25, 0.1, 1.5, 2.5
LABELS = [True, False, False, True, False, True]

model = BertForSequenceClassification.from_pretrained(
    FIXTURES / "bert_tiny",
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    dtype=torch.float32,
)
rows = json.loads((FIXTURES / "bert_tiny" / "rows.json").read_text())
width = max(len(row["ids"]) for row in rows)
pad = lambda values: values + [0] * (width - len(values))
ids = torch.tensor([pad(row["ids"]) for row in rows])
types = torch.tensor([pad(row["type_ids"]) for row in rows])
mask = torch.tensor([pad([1] * len(row["ids"])) for row in rows])
labels = torch.tensor(LABELS).float()

plain = ("bias", "LayerNorm.weight")
named = list(model.named_parameters())
optimiser = torch.optim.AdamW(
    [
        {"params": [p for n, p in named if not n.endswith(plain)], "weight_decay": DECAY},
        {"params": [p for n, p in named if n.endswith(plain)], "weight_decay": 0.0},
    ],
    betas=(0.9, 0.999),
    eps=1e-8,
)
loss_of = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHT))
warmup = math.ceil(STEPS * WARMUP)
losses, norms = [], []
model.train()
for step in range(1, STEPS + 1):
    factor = step / warmup if step <= warmup else (STEPS - step + 1) / (STEPS - warmup)
    for group in optimiser.param_groups:
        group["lr"] = RATE * factor
    logits = model(ids, attention_mask=mask, token_type_ids=types).logits[:, 0]
    loss = loss_of(logits, labels)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item())
    losses.append(loss.item())
    optimiser.step()
with torch.no_grad():
    logits = model(ids, attention_mask=mask, token_type_ids=types).logits[:, 0].tolist()
expected = {
    "steps": STEPS,
    "learning_rate": RATE,
    "warmup": WARMUP,
    "weight_decay": DECAY,
    "clip_norm": CLIP,
    "positive_weight": WEIGHT,
    "labels": LABELS,
    "losses": losses,
    "gradient_norms": norms,
    "logits": logits,
}
(FIXTURES / "train_tiny.json").write_text(json.dumps(expected, indent=1) + "\n")
print(losses, norms)
