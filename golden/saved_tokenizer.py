"""Checks that a classifier folder saved by nines gives transformers the same tokens as here.

    python golden/saved_tokenizer.py FOLDER

Compares AutoTokenizer's ids on the recorded 1,000 lines (`fixtures/tokens/lines.json.gz`), and
makes sure that the folder carries neither truncation nor padding. Only for folders whose tokenizer
is MiniLM's.
"""

import gzip
import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

golden = json.loads(gzip.decompress((Path(__file__).parent / "fixtures/tokens/lines.json.gz").read_bytes()))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
compared = 0
for prompt, completion, row in zip(golden["lines"][::2], golden["lines"][1::2], golden["minilm"]):
    if completion:  # transformers takes an empty second text for none
        encoded = tokenizer(prompt, completion, split_special_tokens=True)
        assert encoded["input_ids"] == row["ids"], (prompt, completion)
        assert encoded["token_type_ids"] == row["types"], (prompt, completion)
        compared += 1
assert len(tokenizer("word " * 1000)["input_ids"]) == 1002, "truncated or padded"
print(f"{compared} pairs equal")
