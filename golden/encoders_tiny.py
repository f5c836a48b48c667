"""Tiny randomly initialised classifiers of other families than BERT, with logits, hidden states and gradients.

    python golden/encoders_tiny.py

writes fixtures/mpnet_tiny, deberta_tiny and deberta_v2_tiny: the model folder, as transformers saves it, and what torch computes. The
sizes are odd on purpose: they leave remainders in every vectorised loop; one row is longer than the
distance from which all keys share a bucket.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
)
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

HERE = Path(__file__).parent / "fixtures"
SIZES = dict(
    vocab_size=53,
    hidden_size=20,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=44,
    num_labels=1,
    problem_type="multi_label_classification",
)


def make(name, model, lengths, segments, more=()):
    """Saves a model with larger weights, and what it makes of some rows."""
    folder = HERE / name
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Wider than the usual start, so that every gradient is far from zero.
            parameter.add_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.1))
    model.save_pretrained(folder)

    rows = []
    for length in lengths:
        # 0 and 1 are padding somewhere.
        ids = torch.randint(2, model.config.vocab_size, (length,)).tolist()
        turn = int(torch.randint(0, length + 1, (1,)))
        types = [0] * turn + [1] * (length - turn) if segments else [0] * length
        rows.append({"ids": ids, "type_ids": types})
    width = max(lengths)
    fill = model.config.pad_token_id or 0
    pad = lambda values, with_=0: values + [with_] * (width - len(values))
    inputs = {
        "input_ids": torch.tensor([pad(row["ids"], fill) for row in rows]),
        "attention_mask": torch.tensor([pad([1] * length) for length in lengths]),
    }
    if segments:
        inputs["token_type_ids"] = torch.tensor([pad(row["type_ids"]) for row in rows])

    words = []
    table = model.get_input_embeddings()
    hook = table.register_forward_hook(lambda _module, _inputs, out: words.append(out) or out.retain_grad())
    output = model(**inputs, output_hidden_states=True)
    hook.remove()
    logits = output.logits[:, 0]
    real = lambda states: torch.cat([states[row, :length] for row, length in enumerate(lengths)])
    # Each row's logit depends on its own words alone.
    logits.sum().backward(retain_graph=True)
    expected = {"logits": logits, "input_gradients": real(words[0].grad)}
    model.zero_grad()
    expected["loss_weights"] = torch.randn(len(rows))
    (logits * expected["loss_weights"]).sum().backward()
    for layer, state in enumerate(output.hidden_states):
        expected[f"hidden.{layer}"] = real(state)
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        expected[f"grad.{parameter_name}"] = parameter.grad
    expected.update(more)
    save_file({k: v.detach().float().contiguous() for k, v in expected.items()}, folder / "expected.safetensors")
    (folder / "rows.json").write_text(json.dumps(rows) + "\n")
    print(name, "logits", logits.tolist())


torch.manual_seed(20261128)
make(
    "mpnet_tiny",
    MPNetForSequenceClassification(MPNetConfig(**SIZES, max_position_embeddings=146)),
    [7, 1, 19, 144, 2, 12],
    segments=False,
)
make(
    "deberta_tiny",  # as version 3 is published
    DebertaV2ForSequenceClassification(
        DebertaV2Config(
            **SIZES,
            max_position_embeddings=144,
            relative_attention=True,
            max_relative_positions=-1,
            position_buckets=16,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type="p2c|c2p",
            position_biased_input=False,
            type_vocab_size=0,
        )
    ),
    [7, 1, 19, 144, 2, 12],
    segments=False,
    more={
        f"buckets.{size}.{most}": make_log_bucket_position(torch.arange(1 - most, most), size, most).float()
        for size, most in [(256, 512), (16, 144), (32, 1024)]
    },
)
make(
    "deberta_v2_tiny",  # as the larger ones of version 2, with what no published one has
    DebertaV2ForSequenceClassification(
        DebertaV2Config(
            **SIZES,
            max_position_embeddings=32,
            relative_attention=True,
            max_relative_positions=11,
            share_att_key=False,
            pos_att_type=["c2p", "p2c"],
            position_biased_input=True,
            type_vocab_size=2,
            conv_kernel_size=3,
            conv_act="gelu",
        )
    ),
    [7, 1, 19, 32, 2],
    segments=True,
)
