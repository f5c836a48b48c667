"""Tiny randomly initialised Llama models with their logits, as safetensors and as GGUF.

    python golden/llama_tiny.py

writes fixtures/llama_tiny:
- plain/: one safetensors file, float32, untied, grouped-query attention, with a tokenizer of single
  letters;
- scaled/: bfloat16 in shards, tied, Llama 3.1 rotary scaling, widths that leave remainders in
  every vectorised loop;
- plain-{F32,F16,BF16,Q8_0,Q4_0,Q4_1}.gguf: the plain model; scaled-F32.gguf, with the rotary
  factors as a tensor; linear-F32.gguf: the plain model with linear rotary scaling;
- rows.json: the token rows; expected.safetensors: for each of these the logits of every row's
  tokens, one after the other, computed by transformers in float32 on the (dequantised) weights.

The GGUF files are written as llama.cpp's converter does: query and key rows in the order of
interleaved rotation, norms in F32.
"""

import json
import math
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent / "fixtures" / "llama_tiny"
LENGTHS = [9, 1, 23, 40, 2, 17]
Kind = gguf.GGMLQuantizationType

shutil.rmtree(HERE, ignore_errors=True)
HERE.mkdir(parents=True)
torch.manual_seed(20261121)


def build(**settings):
    model = LlamaForCausalLM(LlamaConfig(**settings)).float().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.dim() > 1 else 0.1))
    return model


def again(model, **changes):
    """Builds a model with the same weights."""
    copy = LlamaForCausalLM(LlamaConfig(**{**model.config.to_dict(), **changes})).float().eval()
    copy.load_state_dict(model.state_dict())
    return copy


PLAIN = dict(
    vocab_size=75, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=False,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
)
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
}
plain = build(**PLAIN)
scaled = build(
    vocab_size=53, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=1, head_dim=10, max_position_embeddings=64, rms_norm_eps=1e-6,
    tie_word_embeddings=True, rope_parameters=LLAMA3,
)
scaled.bfloat16().save_pretrained(HERE / "scaled", max_shard_size="8KB")
# Built anew: the conversion has rounded the rotary frequencies too, which no weights file carries.
scaled = again(scaled.float())
plain.save_pretrained(HERE / "plain")
for folder in ["plain", "scaled"]:
    (HERE / folder / "generation_config.json").unlink(missing_ok=True)

LETTERS = "<|endoftext|> Ġ Ċ . , ! ? ' \"".split() + [chr(c) for c in [*range(65, 91), *range(97, 123)]]
tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(LETTERS)}, []))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.add_special_tokens(["<|endoftext|>"])
tokenizer.save(str(HERE / "plain" / "tokenizer.json"))

rows = [torch.randint(0, 53, (length,)).tolist() for length in LENGTHS]
(HERE / "rows.json").write_text(json.dumps(rows) + "\n")


@torch.no_grad()
def logits(model):
    return torch.cat([model(torch.tensor([row])).logits[0] for row in rows])


def gguf_name(name):
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
             "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    layer, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
    short = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
             "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm"}[part]
    return f"blk.{layer}.{short}.weight"


def interleave(weight, head_dim):
    heads = weight.shape[0] // head_dim
    return weight.reshape(heads, 2, head_dim // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def straighten(weight, head_dim):
    heads = weight.shape[0] // head_dim
    return weight.reshape(heads, head_dim // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def llama3_factors(config):
    head_dim, rope = config.head_dim, config.rope_parameters
    factors = []
    for i in range(0, head_dim, 2):
        frequency = 1.0 / rope["rope_theta"] ** (i / head_dim)
        wavelength = 2 * math.pi / frequency
        original = rope["original_max_position_embeddings"]
        if wavelength < original / rope["high_freq_factor"]:
            factors.append(1.0)
        elif wavelength > original / rope["low_freq_factor"]:
            factors.append(rope["factor"])
        else:
            smooth = (original / wavelength - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, np.float32)


def write(path, model, kind, linear=None):
    """Writes a GGUF file and puts the weights that it really holds into the model."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    if linear:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(linear)
    if config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            data = parameter.numpy()
            rotated = name.endswith(("q_proj.weight", "k_proj.weight"))
            if rotated:
                data = interleave(data, config.head_dim)
            stored_kind = kind if data.ndim > 1 else Kind.F32
            stored = quantize(data, stored_kind)
            writer.add_tensor(gguf_name(name), stored, raw_dtype=stored_kind)
            back = dequantize(stored, stored_kind)
            if rotated:
                back = straighten(back, config.head_dim)
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(back, dtype=np.float32)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


expected = {"plain": logits(plain), "scaled": logits(scaled)}
for kind in [Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1]:
    model = again(plain)
    write(HERE / f"plain-{kind.name}.gguf", model, kind)
    expected[f"plain-{kind.name}"] = logits(model)
write(HERE / "scaled-F32.gguf", scaled, Kind.F32)
expected["scaled-F32"] = logits(scaled)
linear = again(plain, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5})
write(HERE / "linear-F32.gguf", linear, Kind.F32, linear=2.5)
expected["linear-F32"] = logits(linear)
save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "expected.safetensors")
for path in HERE.rglob("*"):
    path.chmod(0o755 if path.is_dir() else 0o644)
