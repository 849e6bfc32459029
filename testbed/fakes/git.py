"""A git server over HTTPS on loopback, such as a forge is: `git http-backend`, and the repositories of a folder."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import trustme

from testbed.fakes.https import https_server, serving


@contextlib.contextmanager
def git_server(folder: Path, authority: trustme.CA) -> Iterator[str]:
    """Yields the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            asked = {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            }
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            done = subprocess.run(
                ["git", "http-backend"], input=body, env={**os.environ, **asked}, capture_output=True, check=True
            )
            self.wfile.write(b"HTTP/1.0 200 OK\r\n" + done.stdout)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with serving(https_server("127.0.0.1", ("127.0.0.1", 0), authority, Handler)) as port:
        yield f"https://127.0.0.1:{port}"
