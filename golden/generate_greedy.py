"""What transformers writes greedily with the default generator, dequantised.

    python golden/generate_greedy.py FOLDER    # the folder that has SmolLM2-135M-Instruct.Q4_1.gguf

writes fixtures/generate_greedy.json: prompts with the text of the 24 likeliest next tokens.
"""

import json
import sys
from pathlib import Path

import torch

from llama_smollm2 import load

PROMPTS = [
    "Once upon a time there was a lighthouse keeper. He had a lamp and a dog.",
    "Behind the tavern at Three Fords they race snails, and the snails are the size of ponies. "
    "Imogen had her whole purse on Thunderclap. He'd been in the lead since Monday.",
    "The bus to Łódź was late.",
]

tokenizer, model = load(sys.argv[1])
rows = []
with torch.no_grad():
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(ids, do_sample=False, max_new_tokens=24, eos_token_id=[0, 1, 2], pad_token_id=2)
        rows.append({"prompt": prompt, "text": tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True)})
path = Path(__file__).parent / "fixtures" / "generate_greedy.json"
path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
