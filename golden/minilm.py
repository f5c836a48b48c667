"""Hidden states of all-MiniLM-L6-v2 on 32 varied texts, as transformers computes them.

    python golden/minilm.py FOLDER_OF_THE_MODEL

writes fixtures/minilm: token ids, segments, and of each text some positions' hidden states.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertModel

HERE = Path(__file__).parent / "fixtures" / "minilm"
FOLDER = Path(sys.argv[1])

LONG = (
    "The lighthouse keeper counted the steps again, as he had every evening for thirty years, "
    "and again there was one more than in the morning. He wrote the number in the book beside the "
    "others, trimmed the lamp, and sat down to wait for whoever had built the new stair. "
)
TEXTS = [
    ("A", None),
    ("", None),
    ("Hello, world!", None),
    ("He fell off the ladder", "and broke his arm in two places."),
    ("She opened the letter. It was from her sister. She smiled.", "Outside, it had begun to snow."),
    ("Café, naïve, Ångström, señor, crème brûlée", None),
    ("CAFÉ NAÏVE ÅNGSTRÖM", "lower case again"),
    ("🙂🙃 emoji 👩‍👩‍👧‍👦 in a row 🏳️‍🌈", "and after 💥"),
    ("你好，世界。今天天气很好。", "我们去公园吧！"),
    ("日本語の文章です。", None),
    ("Привет, мир! Как дела?", "Хорошо."),
    ("مرحبا بالعالم", None),
    ("Donaudampfschifffahrtsgesellschaftskapitän", None),
    ("x" * 150, "an unknown very long word"),
    ("antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", None),
    ("“Stop!” he cried. ‘Why?’ – “Because…”", "She didn't."),
    ("1234567890 3.14159 1,000,000 $5.00 50% #42", None),
    ("tabs\tand\nnewlines\r\nand   spaces", "  leading and trailing  "),
    ("[CLS] [SEP] [MASK] [PAD] [UNK]", None),
    ("<html>&amp;</html> C:\\path\\file.txt https://example.org/?q=1", None),
    ("def f(x): return x ** 2  # code", "print(f(3))"),
    ("!!!", "???"),
    (".", "."),
    ("The knife slipped.", "Blood welled up along the cut, and he swore."),
    ("The knife slipped.", "It clattered into the sink, and she laughed."),
    ("the the the the the the the the the the", None),
    ("Zürich–Genève, 12 °C; ½ cup; ﬁne ligature; ™", "ﬀ"),
    ("e\u0301 decomposed, é composed", None),
    (LONG, "Nobody came."),
    (LONG * 3, "The stair was gone by morning."),
    (LONG * 5, LONG * 2),
    (LONG * 8, "At last the lamp went out."),
]

tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()
model = BertModel.from_pretrained(FOLDER, attn_implementation="eager").eval()
torch.set_num_threads(2)

rows, expected = [], {}
for index, (prompt, completion) in enumerate(TEXTS):
    encoding = tokenizer.encode(prompt, completion) if completion is not None else tokenizer.encode(prompt)
    ids, types = encoding.ids[:512], encoding.type_ids[:512]
    with torch.no_grad():
        output = model(
            torch.tensor([ids]), token_type_ids=torch.tensor([types]), output_hidden_states=True
        )
    last = len(ids) - 1
    positions = sorted({0, last // 3, last // 2, last})
    expected[f"{index}.last"] = output.last_hidden_state[0, positions]
    expected[f"{index}.layers"] = torch.stack([state[0, last // 2, ::4] for state in output.hidden_states])
    expected[f"{index}.sums"] = torch.stack([state[0].sum(0)[::16] for state in output.hidden_states])
    rows.append({"ids": ids, "type_ids": types, "positions": positions})
assert len(rows) == 32
HERE.mkdir(parents=True, exist_ok=True)
save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "expected.safetensors")
(HERE / "rows.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
print([len(row["ids"]) for row in rows])
