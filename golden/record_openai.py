"""Records what llama-cpp-python's server answers, for the tests that play it back.

    python golden/record_openai.py SMOLLM2.gguf

The requests are written here once more, from the description of what nines sends: the tests play
`crates/nines-infer/examples/endpoint_parity/scenario.rs` against the recordings, and a request
that differs from its recording in anything, the seed included, finds no answer. Writes
fixtures/openai/{completions,chat}.json.
"""

import hashlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from openai_server import ALIAS, started

OUT = Path(__file__).parent / "fixtures" / "openai"
PORT = 18081
PROMPTS = [
    "The ferry was late again. Tomasz had counted every gull on the pier. Then a horn sounded out on the water.",
    "“You said there would be cake,” said Zoë. Her grandfather looked at the empty plate. The dog looked at the floor.",
    "It had rained since Monday. Nobody on the hill had electricity. Ifeoma lit the last candle and opened the book. ",
]
INSTRUCTION = "You continue stories. Answer with the next sentence of the story, and with nothing else."
SAMPLING = {"max_tokens": 60, "temperature": 0.9, "top_p": 0.95}
GREEDY = {"max_tokens": 4, "temperature": 0.0, "top_p": 0.95, "top_k": 20, "min_p": 0.0, "repeat_penalty": 1.1, "repetition_penalty": 1.1}


def content_hash(domain: str, fields: list[str]) -> bytes:
    """SHA-256 over the fields, each after its length as eight bytes, least significant first."""
    digest = hashlib.sha256()
    for field in [domain, *fields]:
        data = field.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


def seed(prompt: str, draw: int, base: int = 11) -> int:
    of_prompt = content_hash("prompt", [prompt]).hex()
    return int.from_bytes(content_hash("endpoint draw", [str(base), of_prompt, str(draw)])[:8], "little") & 0x7FFF_FFFF


def request(prompt: str, draw: int, sampling: dict = SAMPLING, n: int = 1) -> dict:
    return {"model": ALIAS, "seed": seed(prompt, draw), "n": n, "stream": False, **sampling}


def completion(prompt: str, draw: int, sampling: dict = SAMPLING, n: int = 1) -> tuple[str, dict]:
    return "/v1/completions", {"prompt": prompt.rstrip(), **request(prompt, draw, sampling, n)}


def chat(prompt: str, draw: int) -> tuple[str, dict]:
    messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": prompt}]
    return "/v1/chat/completions", {"messages": messages, **request(prompt, draw)}


def requests() -> list[tuple[str, dict]]:
    asked = [completion(prompt, draw) for prompt in PROMPTS for draw in range(3)]
    asked += [chat(prompt, draw) for prompt in PROMPTS for draw in range(2)]
    # Three draws in one request; the server makes one, and the others are among those above.
    asked += [completion(PROMPTS[0], 0, n=3)]
    asked += [completion(prompt, draw, GREEDY) for prompt in PROMPTS[:2] for draw in range(2)]
    asked += [completion("The river rose. " * 700, draw) for draw in range(2)]
    return asked


def ask(path: str, body: dict) -> dict:
    call = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=600) as answer:
            status, data = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, data = error.code, error.read()
    return {"path": path, "request": body, "status": status, "response": json.loads(data)}


def main() -> None:
    server = started(sys.argv[1], PORT)
    try:
        pairs = [ask(path, body) for path, body in requests()]
    finally:
        server.terminate()
        server.wait()
    OUT.mkdir(parents=True, exist_ok=True)
    for name, is_chat in [("completions", False), ("chat", True)]:
        kept = [pair for pair in pairs if pair["path"].endswith("chat/completions") == is_chat]
        (OUT / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        print(f"{name}: {len(kept)} recorded")


if __name__ == "__main__":
    main()
