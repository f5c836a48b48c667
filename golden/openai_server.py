"""Runs llama-cpp-python's OpenAI-compatible server on the loopback address.

    python golden/openai_server.py MODEL.gguf [PORT]

llama.cpp's AMX kernels fault on some virtual machines that announce AMX without granting it, so
its repacked weight buffers, which they belong to, are switched off.
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request

ALIAS = "smollm2-135m"


def command(model: str, port: int) -> list[str]:
    return [sys.executable, __file__, model, str(port)]


def started(model: str, port: int) -> subprocess.Popen:
    """Starts the server as a child and waits until it answers."""
    child = subprocess.Popen(command(model, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(240):
        if child.poll() is not None:
            raise SystemExit(f"the server ended with status {child.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2).read()
            return child
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    child.terminate()
    raise SystemExit("the server did not answer within two minutes")


def main() -> None:
    import llama_cpp
    import uvicorn
    from llama_cpp.server.app import create_app
    from llama_cpp.server.settings import ModelSettings, ServerSettings

    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def without_repacking():
        params = defaults()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_cpp.llama_model_default_params = without_repacking
    model, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    settings = ModelSettings(model=model, model_alias=ALIAS, n_ctx=2048, n_threads=2, verbose=False)
    app = create_app(server_settings=ServerSettings(host="127.0.0.1", port=port), model_settings=[settings])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
