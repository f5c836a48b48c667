"""PyTorch/transformers doing what nines does, for `benches/speed.py`: one task, timed, as JSON.

    python benches/peer.py score|train|generate --snippets FILE --model FOLDER [--bf16 | --bf16-weights]
    python benches/peer.py peak [--bf16]

The inputs are JSON lines with `prompt` and `completion`. Model loading is not timed on either side,
nor is tokenising for `score` and `train`; `score` times the forward pass over length-sorted
batches, `train` one pass of forward, backward, clipping and AdamW, `generate` the call of
`model.generate` with the prompts' tokenising. Before that, some rows are done untimed, to warm up.
`peak` times one large product and prints operations a second.
"""

import argparse
import json
import time

import torch


# Rows or prompts done before the clock runs.
WARM_UP = {"score": 64, "train": 32, "generate": 4, "peak": 2}


def rows(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(tokenizer, snippets):
    pairs = [
        tokenizer(s["prompt"], s["completion"], truncation=False, padding=False) for s in snippets
    ]
    return sorted(pairs, key=lambda p: len(p["input_ids"]))


def batches(encoded, size):
    for start in range(0, len(encoded), size):
        chunk = encoded[start : start + size]
        width = max(len(p["input_ids"]) for p in chunk)
        pad = lambda name: torch.tensor(
            [p[name] + [0] * (width - len(p[name])) for p in chunk]
        )
        yield {name: pad(name) for name in ("input_ids", "token_type_ids", "attention_mask")}


def classifier(folder):
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, problem_type="multi_label_classification", dtype=torch.float32
    )


def tokenizer_of(folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.backend_tokenizer is not None:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def autocast(args):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16)


def score(args):
    model, encoded = classifier(args.model).eval(), encode(tokenizer_of(args.model), rows(args.snippets))
    if args.bf16_weights:
        model = model.bfloat16()
    def run(some=None):
        with torch.inference_mode(), autocast(args):
            for batch in batches(encoded[:some], args.batch):
                model(**batch)
    return len(encoded), run


def train(args):
    model, encoded = classifier(args.model).train(), encode(tokenizer_of(args.model), rows(args.snippets))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    loss_of = torch.nn.BCEWithLogitsLoss()
    def run(some=None):
        for batch in batches(encoded[:some], args.batch):
            with autocast(args):
                logits = model(**batch).logits.squeeze(-1)
            logits = logits.float()
            loss = loss_of(logits, torch.zeros_like(logits))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    return len(encoded), run


def generate(args):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = args.model.rsplit("/", 1)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
    prompts = [row["prompt"] for row in rows(args.snippets)]
    per_call = max(1, args.batch // args.completions)
    made = 0

    def run(some=None):
        nonlocal made
        made = 0
        torch.manual_seed(0)
        with torch.inference_mode():
            for start in range(0, len(prompts[:some]), per_call):
                inputs = tokenizer(prompts[start : start + per_call], return_tensors="pt", padding=True)
                out = model.generate(
                    **inputs, do_sample=True, temperature=0.9, top_p=0.95, top_k=0,
                    min_new_tokens=args.tokens, max_new_tokens=args.tokens,
                    num_return_sequences=args.completions, pad_token_id=tokenizer.pad_token_id,
                )
                made += (out.shape[1] - inputs["input_ids"].shape[1]) * out.shape[0]
    return lambda: made, run


def peak(args):
    size, times = 2048, 20
    kind = torch.bfloat16 if args.bf16 else torch.float32
    a, b = torch.randn(2, size, size).to(kind)
    def run(some=times):
        for _ in range(some):
            a @ b
    return 2 * size**3 * times, run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["score", "train", "generate", "peak"])
    parser.add_argument("--snippets")
    parser.add_argument("--model")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--bf16", action="store_true", help="products in bf16 (torch.autocast)")
    parser.add_argument("--bf16-weights", action="store_true", help="score: the whole model in bf16")
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    units, run = {"score": score, "train": train, "generate": generate, "peak": peak}[args.task](args)
    run(WARM_UP[args.task])
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    count = units() if callable(units) else units
    print(json.dumps({"task": args.task, "units": count, "seconds": seconds, "per_second": count / seconds}))


if __name__ == "__main__":
    main()
