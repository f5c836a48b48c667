"""Hidden states of the tiny Llama of llama_tiny.py, and its logits when they are pushed.

    python golden/llama_hidden.py

writes fixtures/llama_tiny/hidden.safetensors: for each layer of the model `plain`, `states.LAYER`: the
residual stream after it (before the last normalisation), for the tokens of all rows of rows.json, one
after the other; `direction`; and `steered.LAYER`: the logits when 1.5 times the direction is added
there at every position.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

HERE = Path(__file__).parent / "fixtures" / "llama_tiny"
STRENGTH = 1.5

model = LlamaForCausalLM.from_pretrained(HERE / "plain", dtype=torch.float32).eval()
rows = json.loads((HERE / "rows.json").read_text())
torch.manual_seed(20261128)
direction = torch.randn(model.config.hidden_size)
expected = {"direction": direction}


@torch.no_grad()
def run(row, layer, strength):
    """Returns the states after a layer and the logits."""
    states = []

    def push(_module, _inputs, output):
        hidden = (output[0] if isinstance(output, tuple) else output) + strength * direction
        states.append(hidden[0])
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    hook = model.model.layers[layer].register_forward_hook(push)
    logits = model(torch.tensor([row])).logits[0]
    hook.remove()
    return states[0], logits


for layer in range(model.config.num_hidden_layers):
    expected[f"states.{layer}"] = torch.cat([run(row, layer, 0.0)[0] for row in rows])
    expected[f"steered.{layer}"] = torch.cat([run(row, layer, STRENGTH)[1] for row in rows])
save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "hidden.safetensors")
(HERE / "hidden.safetensors").chmod(0o644)
