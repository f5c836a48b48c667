"""A tiny randomly initialised masked language model with what it says of gaps and of sentences.

    python golden/bert_masked.py

writes fixtures/bert_masked: the folder as transformers saves a BertForMaskedLM (the decoder tied to
the word embeddings, so it is not in the file) with a WordPiece tokenizer, and expected.json: for gaps
the tokens, the place of the mask and the log probabilities of the whole vocabulary there; for
sentences the mean of the last hidden states, scaled to length 1.
"""

import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForMaskedLM

HERE = Path(__file__).parent / "fixtures" / "bert_masked"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]"] + """
the a boy girl knife stone fell cut threw ran home hand his her and was not hurt in on of to , . ! ' ##s
##ed ##ing walk lock pick bl ##ood rain soft ##ly door open
""".split()
GAPS = [
    ["the boy", "the stone ."],
    ["", "fell on her hand !"],
    ["the girl cut his", ""],
    ["Blood was on the door , and the rain", "softly . the boy's knife was not in his hand"],
]
SENTENCES = ["the boy fell .", "the girl walked home softly , and the rain fell on the stone", "knife", "?"]

shutil.rmtree(HERE, ignore_errors=True)
HERE.mkdir(parents=True)
torch.manual_seed(20261128)
config = BertConfig(
    vocab_size=len(WORDS), hidden_size=20, num_hidden_layers=2, num_attention_heads=4,
    intermediate_size=44, max_position_embeddings=32, type_vocab_size=2, tie_word_embeddings=True,
)
model = BertForMaskedLM(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        parameter.add_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.1))
model.tie_weights()
model.save_pretrained(HERE)

tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
)
tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
tokenizer.save(str(HERE / "tokenizer.json"))

gaps, sentences = [], []
with torch.no_grad():
    for left, right in GAPS:
        ids = tokenizer.encode(f"{left} [MASK] {right}").ids
        place = ids.index(4)
        logits = model(torch.tensor([ids])).logits[0, place].double()
        gaps.append({"left": left, "right": right, "ids": ids, "place": place,
                     "log_probabilities": logits.log_softmax(0).tolist()})
    for text in SENTENCES:
        ids = tokenizer.encode(text).ids
        mean = model.bert(torch.tensor([ids])).last_hidden_state[0].double().mean(0)
        sentences.append({"text": text, "ids": ids, "vector": (mean / mean.norm()).tolist()})
expected = {"vocabulary": WORDS, "gaps": gaps, "sentences": sentences}
(HERE / "expected.json").write_text(json.dumps(expected) + "\n")
for path in HERE.rglob("*"):
    path.chmod(0o644)
