"""A receiver that stands in for Slack: it keeps what was posted to it.

::

    with Inbox() as inbox:
        inbox.url              # http://127.0.0.2:41234/hook
        inbox.messages         # the JSON bodies, in the order they came
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cli.installation import INBOX_HOST


class Inbox:
    def __init__(self, host: str = INBOX_HOST, port: int = 0, keep_in: Path | None = None) -> None:
        self.messages: list[Any] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(min(length, 1_000_000)) or b"null")
                inbox.messages.append(body)
                if keep_in is not None:
                    with keep_in.open("a") as file:
                        file.write(json.dumps(body) + "\n")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                return

        self._server = ThreadingHTTPServer((host, port), Handler)
        self.url = f"http://{host}:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Inbox:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    address, number, home = sys.argv[1:]
    with Inbox(address, int(number), Path(home) / "inbox.jsonl"):
        threading.Event().wait()
