"""What transformers computes with the default generator, dequantised.

    python golden/llama_smollm2.py FOLDER      # the folder that has SmolLM2-135M-Instruct.Q4_1.gguf

writes fixtures/smollm2.safetensors, for a few prompts: `tokens` i32 and `lengths` i32; and for each
position `top.ids` i32[64] and `top.logits` f32[64], the largest, and `sampled.logits` f32[256] at
the fixed `sampled.ids`.
"""

import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from safetensors.torch import save_file
from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = [
    "Once upon a time",
    "Lockpicks, said Mother Pao, are like husbands: one good one is plenty.",
    "\"Don't,\" she said. He had 3.5 litres of petrol, 12 matches and a grudge.",
    "Der Fluß war breit — naïve café 東京 🙂",
    "Late in August the aunts made tomato paste for the whole winter. Boards covered with red pulp "
    "lay drying on the roof. Cosimo, who was seven, had been told not to run.",
]

PARTS = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
         "ffn_norm": "post_attention_layernorm"}


def weights(path, config):
    """Returns the file's tensors, dequantised, under the names and in the order of transformers."""
    state = {}
    for tensor in gguf.GGUFReader(path).tensors:
        data = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        data = data.reshape(*reversed(tensor.shape.tolist()))
        name = tensor.name.removesuffix(".weight")
        if name.startswith("blk."):
            _, layer, part = name.split(".")
            if part in ("attn_q", "attn_k"):
                heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}[part]
                halves = data.reshape(heads, data.shape[0] // heads // 2, 2, -1)
                data = halves.swapaxes(1, 2).reshape(data.shape)
            name = f"model.layers.{layer}.{PARTS[part]}"
        else:
            name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}[name]
        state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(data))
    return state


def load(folder):
    """Returns the tokenizer and the model, float32."""
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=FILE)
    config = AutoConfig.from_pretrained(folder, gguf_file=FILE)
    config.tie_word_embeddings = True
    model = LlamaForCausalLM(config).float().eval()
    left = model.load_state_dict(weights(Path(folder) / FILE, config), strict=False)
    assert left.missing_keys == ["lm_head.weight"] and not left.unexpected_keys, left
    model.tie_weights()
    return tokenizer, model


def main(folder):
    tokenizer, model = load(folder)
    generator = torch.Generator().manual_seed(20261121)
    sampled = torch.randperm(model.config.vocab_size, generator=generator)[:256].sort().values
    tokens, lengths, top_ids, top_logits, sampled_logits = [], [], [], [], []
    with torch.no_grad():
        for prompt in PROMPTS:
            ids = tokenizer(prompt, add_special_tokens=False).input_ids
            logits = model(torch.tensor([ids])).logits[0]
            top = logits.topk(64)
            tokens += ids
            lengths.append(len(ids))
            top_ids.append(top.indices)
            top_logits.append(top.values)
            sampled_logits.append(logits[:, sampled])
    path = Path(__file__).parent / "fixtures" / "smollm2.safetensors"
    save_file(
        {
            "tokens": torch.tensor(tokens, dtype=torch.int32),
            "lengths": torch.tensor(lengths, dtype=torch.int32),
            "top.ids": torch.cat(top_ids).int(),
            "top.logits": torch.cat(top_logits),
            "sampled.ids": sampled.int(),
            "sampled.logits": torch.cat(sampled_logits),
        },
        path,
    )
    path.chmod(0o644)


if __name__ == "__main__":
    main(sys.argv[1])
