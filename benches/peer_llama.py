"""llama.cpp generating what nines generates, for `benches/speed.py`: tokens a second, as JSON.

    python benches/peer_llama.py --model FILE.gguf --prompts FILE [--completions 8] [--batch 32] [--repack]

Prompts are JSON lines with `prompt`. Every prompt is run once, its cache shared by its completions,
and each completion gets `--tokens` tokens, `--batch` of them at a time, all in one `llama_decode`
a step. Tokens are chosen greedily by llama.cpp's own sampler, one sequence after the other; what that
takes is told apart (`seconds_choosing`) and not counted in `per_second`. `--repack` lets weights be
packed anew, which crashes on this model where llama.cpp was built with AMX. Loading the model is not
timed. A few prompts are done untimed first.
"""

import argparse
import ctypes
import json
import os
import time

import llama_cpp as lib


class Batch:
    """A llama_batch that rows are added to."""

    def __init__(self, room):
        self.batch = lib.llama_batch_init(room, 0, 1)

    def clear(self):
        self.batch.n_tokens = 0

    def add(self, token, position, sequence, wanted):
        at = self.batch.n_tokens
        self.batch.token[at] = token
        self.batch.pos[at] = position
        self.batch.n_seq_id[at] = 1
        self.batch.seq_id[at][0] = sequence
        self.batch.logits[at] = wanted
        self.batch.n_tokens = at + 1
        return at


class Generator:
    def __init__(self, args, prompts):
        self.choosing = 0.0
        lib.llama_backend_init()
        silent = lib.llama_log_callback(lambda level, text, data: None)
        self.keep = silent
        lib.llama_log_set(silent, ctypes.c_void_p(0))
        params = lib.llama_model_default_params()
        params.use_extra_bufts = args.repack
        self.model = lib.llama_model_load_from_file(args.model.encode(), params)
        self.vocabulary = lib.llama_model_get_vocab(self.model)
        params = lib.llama_context_default_params()
        params.n_threads = params.n_threads_batch = args.threads
        # Sequence 0 .. batch are completions, one more for each group's prompt.
        groups = -(-args.batch // args.completions)
        params.n_seq_max = args.batch + groups
        longest = max(len(self.tokens(prompt)) for prompt in prompts)
        params.n_ctx = groups * longest + args.batch * (args.tokens + 8) + 256
        params.n_batch = params.n_ubatch = max(512, args.batch)
        params.kv_unified = True
        self.context = lib.llama_init_from_model(self.model, params)
        self.memory = lib.llama_get_memory(self.context)
        self.batch = Batch(params.n_batch)
        self.room = params.n_batch
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if args.sampling == "greedy":
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        else:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(0.95, 1))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(0.9))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(0))
        self.chain = chain

    def tokens(self, text):
        data = text.encode()
        out = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(self.vocabulary, data, len(data), out, len(out), True, True)
        return list(out[:count])

    def decode(self):
        if lib.llama_decode(self.context, self.batch.batch) != 0:
            raise SystemExit("llama_decode failed")

    def choose(self, row):
        started = time.perf_counter()
        token = lib.llama_sampler_sample(self.chain, self.context, row)
        self.choosing += time.perf_counter() - started
        return token

    def group(self, prompts, completions, count):
        """Continues some prompts together; returns how many tokens were made."""
        lib.llama_memory_clear(self.memory, False)
        first = {}
        for place, prompt in enumerate(prompts):
            ids = self.tokens(prompt)
            home = len(prompts) * completions + place
            for start in range(0, len(ids), self.room):
                self.batch.clear()
                for position in range(start, min(start + self.room, len(ids))):
                    row = self.batch.add(ids[position], position, home, position == len(ids) - 1)
                self.decode()
            for draw in range(completions):
                sequence = place * completions + draw
                lib.llama_memory_seq_cp(self.memory, home, sequence, -1, -1)
                first[sequence] = (self.choose(row), len(ids))
        made = len(first)
        lasts = first
        for _ in range(count - 1):
            self.batch.clear()
            rows = {
                sequence: self.batch.add(token, position, sequence, True)
                for sequence, (token, position) in lasts.items()
            }
            self.decode()
            lasts = {
                sequence: (self.choose(row), lasts[sequence][1] + 1)
                for sequence, row in rows.items()
            }
            made += len(rows)
        return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompts", required=True)
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--limit", type=int, default=50, help="prompts that are continued")
    parser.add_argument("--sampling", choices=["greedy", "nucleus"], default="greedy")
    parser.add_argument("--repack", action="store_true", help="repack weights (AMX where built in)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    with open(args.prompts, encoding="utf-8") as lines:
        prompts = [json.loads(line)["prompt"] for line in lines][: args.limit]
    generator = Generator(args, prompts)
    together = max(1, args.batch // args.completions)
    generator.group(prompts[:together], args.completions, 4)
    generator.choosing = 0.0
    made, started = 0, time.perf_counter()
    for start in range(0, len(prompts), together):
        made += generator.group(prompts[start : start + together], args.completions, args.tokens)
    seconds = time.perf_counter() - started - generator.choosing
    print(json.dumps({
        "tokens": made, "seconds": seconds, "per_second": made / seconds,
        "seconds_choosing": generator.choosing,
    }))


if __name__ == "__main__":
    main()
