"""A tiny randomly initialised BERT classifier with its logits, hidden states and gradients.

    python golden/bert_tiny.py

writes fixtures/bert_tiny: the model folder, as transformers saves it, and what torch computes.
The sizes are odd on purpose: they leave remainders in every vectorised loop.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

HERE = Path(__file__).parent / "fixtures" / "bert_tiny"
LENGTHS = [7, 1, 19, 24, 2, 12]

torch.manual_seed(20261121)
config = BertConfig(
    vocab_size=53,
    hidden_size=20,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=44,
    max_position_embeddings=24,
    type_vocab_size=2,
    num_labels=1,
    problem_type="multi_label_classification",
)
model = BertForSequenceClassification(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        # Wider than BERT's own start, so that every gradient is far from zero.
        parameter.add_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.1))
model.save_pretrained(HERE)

rows = []
for length in LENGTHS:
    ids = torch.randint(1, config.vocab_size, (length,)).tolist()
    turn = int(torch.randint(0, length + 1, (1,)))
    rows.append({"ids": ids, "type_ids": [0] * turn + [1] * (length - turn)})
width = max(LENGTHS)
pad = lambda values: values + [0] * (width - len(values))
ids = torch.tensor([pad(row["ids"]) for row in rows])
types = torch.tensor([pad(row["type_ids"]) for row in rows])
mask = torch.tensor([pad([1] * length) for length in LENGTHS])
loss_weights = torch.randn(len(rows))

output = model(ids, attention_mask=mask, token_type_ids=types, output_hidden_states=True)
logits = output.logits[:, 0]
(logits * loss_weights).sum().backward()

expected = {"logits": logits, "loss_weights": loss_weights}
for layer, state in enumerate(output.hidden_states):
    expected[f"hidden.{layer}"] = torch.cat([state[i, :n] for i, n in enumerate(LENGTHS)])
for name, parameter in model.named_parameters():
    expected[f"grad.{name}"] = parameter.grad
save_file({k: v.detach().float().contiguous() for k, v in expected.items()}, HERE / "expected.safetensors")
(HERE / "rows.json").write_text(json.dumps(rows) + "\n")
print("logits", logits.tolist())
