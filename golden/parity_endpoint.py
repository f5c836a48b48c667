"""Drives nines' endpoint generator against a real llama-cpp-python server, over both routes.

    python golden/parity_endpoint.py SMOLLM2.gguf EXAMPLE

EXAMPLE is the built example: `cargo build -p nines-infer --example endpoint_parity` leaves it in
`target/debug/examples/endpoint_parity`. Part of `make parity`. Checks that every draw is the
beginning of what the server answered, that nothing was asked for that no draw needed, and that the
server was asked for each draw with a seed of its own.
"""

import json
import subprocess
import sys

from openai_proxy import Recorder
from openai_server import started


def raw(pair: dict) -> str:
    choice = pair["response"]["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


def main() -> None:
    model, example = sys.argv[1:3]
    server = started(model, 18082)
    try:
        recorder = Recorder("http://127.0.0.1:18082")
        ran = subprocess.run([example, recorder.url], check=True, stdout=subprocess.PIPE, text=True)
    finally:
        server.terminate()
        server.wait()
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    answers = [raw(pair).strip() for pair in recorder.pairs if pair["status"] == 200]
    draws = [line["draw"] for line in told if "draw" in line]
    for draw in draws:
        assert any(answer.startswith(draw["completion"]) for answer in answers), draw
    assert len(recorder.pairs) == len(told), (len(recorder.pairs), len(told))
    for route in ["/v1/completions", "/v1/chat/completions"]:
        assert any(pair["path"] == route for pair in recorder.pairs), route
    alike = [json.dumps(pair["request"], sort_keys=True) for pair in recorder.pairs if pair["request"]["n"] == 1]
    finishes = {finish: sum(draw["finish"] == finish for draw in draws) for finish in ["sentence", "end_of_text", "budget"]}
    print(f"{len(recorder.pairs)} requests ({len(set(alike))} different of {len(alike)} for one draw), {len(draws)} draws: {finishes}")


if __name__ == "__main__":
    main()
