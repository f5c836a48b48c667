"""Hidden states of all-mpnet-base-v2 on 12 varied snippets, as transformers computes them.

    python golden/mpnet.py FOLDER_OF_THE_MODEL

writes fixtures/mpnet: token ids, and of each text some positions' hidden states.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import MPNetModel

HERE = Path(__file__).parent / "fixtures" / "mpnet"
FOLDER = Path(sys.argv[1])

LONG = (
    "The lighthouse keeper counted the steps again, as he had every evening for thirty years, "
    "and again there was one more than in the morning. He wrote the number in the book beside the "
    "others, trimmed the lamp, and sat down to wait for whoever had built the new stair. "
)
TEXTS = [
    ("A", "B"),
    ("He fell off the ladder", "and broke his arm in two places."),
    ("She opened the letter. It was from her sister. She smiled.", "Outside, it had begun to snow."),
    ("Café, naïve, Ångström, señor, crème brûlée", "lower case again"),
    ("🙂🙃 emoji 👩‍👩‍👧‍👦 in a row 🏳️‍🌈", "and after 💥"),
    ("你好，世界。今天天气很好。", "我们去公园吧！"),
    ("x" * 150, "an unknown very long word"),
    ("tabs\tand\nnewlines\r\nand   spaces", "  leading and trailing  "),
    ("<html>&amp;</html> https://example.org/?q=1", "print(f(3))"),
    (LONG, "Nobody came."),
    (LONG * 3, "The stair was gone by morning."),
    (LONG * 8, "At last the lamp went out."),
]

tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()
model = MPNetModel.from_pretrained(FOLDER).eval()
torch.set_num_threads(2)

rows, expected = [], {}
for index, (prompt, completion) in enumerate(TEXTS):
    ids = tokenizer.encode(prompt, completion).ids[:512]
    with torch.no_grad():
        output = model(torch.tensor([ids]), output_hidden_states=True)
    last = len(ids) - 1
    positions = sorted({0, last // 2, last})
    expected[f"{index}.last"] = output.last_hidden_state[0, positions]
    expected[f"{index}.layers"] = torch.stack([state[0, last // 2, ::8] for state in output.hidden_states])
    expected[f"{index}.sums"] = torch.stack([state[0].sum(0)[::32] for state in output.hidden_states])
    rows.append({"prompt": prompt, "completion": completion, "ids": ids, "positions": positions})
HERE.mkdir(parents=True, exist_ok=True)
save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "expected.safetensors")
(HERE / "rows.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
print([len(row["ids"]) for row in rows])
