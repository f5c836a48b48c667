"""Makes fixtures/tokens/: what `transformers`, `tokenizers` and llama.cpp make of 1,000 lines.

    python golden/tokens.py MINILM_FOLDER SMOLLM2_GGUF

- minilm-tokenizer.json.gz: the tokenizer of all-MiniLM-L6-v2, as its model folder has it.
- smollm2-vocabulary.json.gz: the vocabulary inside the GGUF file.
- lines.json.gz: the lines; for lines 2k and 2k+1, as prompt and completion, the ids, segments and
  byte offsets of MiniLM's tokenizer; for each line the ids of SmolLM2's as llama.cpp counts them.

transformers reads the merges of a GGUF file but not `tokenizer.ggml.pre`, so it forgets that this
model takes every digit (`\\p{N}`: also ½ and ①) alone. Told so, it agrees with llama.cpp on every
line; this script insists on it.
"""

import gzip
import json
import sys
from pathlib import Path

from gguf import GGUFReader
from llama_cpp import Llama
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from lines import lines

OUT = Path(__file__).parent / "fixtures" / "tokens"


def write(name: str, value) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))


def byte_offsets(text: str) -> list[int]:
    at = [0]
    for char in text:
        at.append(at[-1] + len(char.encode()))
    return at


def minilm(folder: Path, texts: list[str]) -> list[dict]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    rows = []
    for prompt, completion in zip(texts[::2], texts[1::2]):
        encoding = backend.encode(prompt, completion)
        # The same through the public call of transformers.
        public = tokenizer(prompt, completion, split_special_tokens=True)
        if completion:  # transformers takes an empty second text for none
            assert public["input_ids"] == encoding.ids, (prompt, completion)
            assert public["token_type_ids"] == encoding.type_ids
        at = [byte_offsets(prompt), byte_offsets(completion)]
        spans = []
        for part, special, (start, end) in zip(encoding.sequence_ids, encoding.special_tokens_mask, encoding.offsets):
            spans.append(None if special else [part, at[part][start], at[part][end]])
        rows.append({"ids": encoding.ids, "types": encoding.type_ids, "spans": spans})
    return rows


def smollm2(gguf: Path, texts: list[str]) -> list[list[int]]:
    theirs = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    as_it_is = [theirs(text, split_special_tokens=True, add_special_tokens=False)["input_ids"] for text in texts]
    theirs.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    llama = Llama(str(gguf), vocab_only=True, verbose=False)
    rows = []
    for text in texts:
        rows.append(llama.tokenize(text.encode(), add_bos=False, special=False))
        told = theirs(text, split_special_tokens=True, add_special_tokens=False)["input_ids"]
        if told != rows[-1]:
            raise SystemExit(f"apart: {text!r}: llama.cpp {rows[-1]}, transformers {told}")
    apart = sum(a != b for a, b in zip(as_it_is, rows))
    print(f"{apart} of {len(texts)} lines differ where transformers is not told of the digits")
    return rows


def vocabulary(gguf: Path) -> dict:
    fields = GGUFReader(gguf).fields
    get = lambda key: fields[f"tokenizer.ggml.{key}"].contents()
    return {
        "model": get("model"), "pre": get("pre"), "tokens": get("tokens"), "token_types": get("token_type"), "merges": get("merges"),
        "bos": get("bos_token_id"), "eos": get("eos_token_id"), "unknown": get("unknown_token_id"), "padding": get("padding_token_id"),
        "add_bos": get("add_bos_token"), "add_space_prefix": get("add_space_prefix"),
    }


def main() -> None:
    folder, gguf = Path(sys.argv[1]), Path(sys.argv[2])
    texts = lines()
    write("lines.json.gz", {"lines": texts, "minilm": minilm(folder, texts), "smollm2": smollm2(gguf, texts)})
    write("smollm2-vocabulary.json.gz", vocabulary(gguf))
    raw = (folder / "tokenizer.json").read_bytes()
    (OUT / "minilm-tokenizer.json.gz").write_bytes(gzip.compress(raw, 9, mtime=0))


if __name__ == "__main__":
    main()
