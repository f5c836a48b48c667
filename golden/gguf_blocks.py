"""Random blocks of every kind of GGUF tensor with the numbers that the gguf package reads in them.

    python golden/gguf_blocks.py

writes fixtures/gguf_blocks.safetensors: `<kind>.bytes` u8 and `<kind>.numbers` f32. All bytes are
random but the scales, which are halves of every size, subnormal and negative ones included.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf.quants import dequantize
from safetensors.numpy import save_file

Kind = gguf.GGMLQuantizationType
SCALES = {Kind.Q4_0: [0], Kind.Q4_1: [0, 2], Kind.Q8_0: [0], Kind.Q4_K: [0, 2], Kind.Q6_K: [208]}
BLOCKS = 24

rng = np.random.default_rng(20261121)
tensors = {}
for kind in [Kind.F32, Kind.F16, Kind.BF16, *SCALES]:
    length, size = gguf.GGML_QUANT_SIZES[kind]
    if kind in SCALES:
        data = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        for at in SCALES[kind]:
            scales = rng.normal(size=BLOCKS) * 10.0 ** rng.integers(-7, 3, BLOCKS)
            data[:, at:at + 2] = scales.astype(np.float16).reshape(-1, 1).view(np.uint8)
        data = data.reshape(-1)
    else:
        numbers = (rng.normal(size=64) * 10.0 ** rng.integers(-6, 4, 64)).astype(np.float32)
        data = gguf.quants.quantize(numbers, kind).view(np.uint8).reshape(-1)
    numbers = dequantize(data.view(np.float32) if kind == Kind.F32 else data, kind)
    tensors[f"{kind.name}.bytes"] = data
    tensors[f"{kind.name}.numbers"] = np.ascontiguousarray(numbers, dtype=np.float32).reshape(-1)
save_file(tensors, Path(__file__).parent / "fixtures" / "gguf_blocks.safetensors")
