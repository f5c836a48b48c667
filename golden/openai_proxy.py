"""A proxy on the loopback address that writes down what passes through it."""

import http.server
import json
import threading
import urllib.error
import urllib.request


class Recorder(http.server.ThreadingHTTPServer):
    """Passes POST requests on to `upstream`, and keeps them with their answers in `pairs`."""

    daemon_threads = True

    def __init__(self, upstream: str):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        request = urllib.request.Request(self.server.upstream + self.path, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, data = error.code, error.read()
        pair = {"path": self.path, "request": json.loads(body), "status": status, "response": json.loads(data)}
        with self.server.lock:
            self.server.pairs.append(pair)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass
