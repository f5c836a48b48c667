"""Makes fixtures/tokens/vocabularies.json.gz: small GGUF vocabularies of every kind, and what
llama.cpp makes of 400 lines with them.

    python golden/vocabularies.py

One byte-level vocabulary stands for all of `gpt2`: only `tokenizer.ggml.pre` differs. The
SentencePiece one (`llama`) has scores in the order in which its tokens were learnt.
"""

import gzip
import json
import tempfile
from pathlib import Path

from gguf import GGUFWriter, TokenType
from llama_cpp import Llama
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from lines import lines

OUT = Path(__file__).parent / "fixtures" / "tokens"
PRES = ["smollm", "gpt-2", "llama-bpe", "qwen2", "dbrx"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER = ["<think>", "@both@"]


def byte_level(texts: list[str]) -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=1500, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    learnt = sorted(model["vocab"], key=model["vocab"].get)
    # A few words that no merge reaches: models with `ignore_merges` look them up whole.
    whole = ["lanternwise", "Ġriverbank"]
    tokens = SPECIAL + learnt + whole + USER
    types = [TokenType.CONTROL] * len(SPECIAL) + [TokenType.NORMAL] * (len(learnt) + len(whole)) + [TokenType.USER_DEFINED] * len(USER)
    return {"model": "gpt2", "tokens": tokens, "token_types": [int(t) for t in types], "merges": [" ".join(m) for m in model["merges"]],
            "bos": 1, "eos": 2, "unknown": 0, "padding": 2}


def sentencepiece(texts: list[str]) -> dict:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=1200, show_progress=False, limit_alphabet=120)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merged = {"".join(pair): i for i, pair in enumerate(model["merges"])}
    learnt = [token for token in sorted(model["vocab"], key=model["vocab"].get) if token not in ("<unk>", "<s>", "</s>")]
    letters = [token for token in learnt if token not in merged]
    words = sorted((token for token in learnt if token in merged), key=merged.get)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + words + letters
    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256 + [TokenType.NORMAL] * (len(words) + len(letters))
    scores = [0.0] * 259 + [-float(i) for i in range(len(words))] + [-float(len(words) + i) for i in range(len(letters))]
    return {"model": "llama", "tokens": tokens, "token_types": [int(t) for t in types], "scores": scores, "bos": 1, "eos": 2, "unknown": 0}


def save(path: Path, vocabulary: dict, pre: str) -> None:
    repeated = {token for token in vocabulary["tokens"] if vocabulary["tokens"].count(token) > 1}
    assert not repeated, repeated
    writer = GGUFWriter(path, "llama")
    writer.add_vocab_size(len(vocabulary["tokens"]))
    for name in ["context_length", "embedding_length", "block_count", "feed_forward_length", "head_count"]:
        getattr(writer, f"add_{name}")(64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model(vocabulary["model"])
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(vocabulary["tokens"])
    writer.add_token_types(vocabulary["token_types"])
    if "merges" in vocabulary:
        writer.add_token_merges(vocabulary["merges"])
    if "scores" in vocabulary:
        writer.add_token_scores(vocabulary["scores"])
    writer.add_bos_token_id(vocabulary["bos"])
    writer.add_eos_token_id(vocabulary["eos"])
    writer.add_unk_token_id(vocabulary["unknown"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def counted(path: Path, texts: list[str], special: bool) -> list[list[int]]:
    llama = Llama(str(path), vocab_only=True, verbose=False)
    return [llama.tokenize(text.encode(), add_bos=special, special=False) for text in texts]


def main() -> None:
    texts = lines()[:394] + ["lanternwise riverbank", " riverbank lanternwise", "a<think>b", "x @both@ y@both@z", "<|im_end|>", "he</s>she<s>"]
    kinds = [(byte_level(texts), pre) for pre in PRES] + [(sentencepiece(texts), "default")]
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for vocabulary, pre in kinds:
            path = Path(folder) / f"{vocabulary['model']}-{pre}.gguf"
            save(path, vocabulary, pre)
            made.append({"pre": pre, "model": vocabulary["model"], "ids": counted(path, texts, special=True)})
    value = {"lines": texts, "byte_level": kinds[0][0], "sentencepiece": kinds[-1][0], "expected": made}
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    (OUT / "vocabularies.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
    for kind in made:
        print(kind["model"], kind["pre"], sum(map(len, kind["ids"])), kind["ids"][-6:])


if __name__ == "__main__":
    main()
