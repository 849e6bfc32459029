"""Clients that send exactly the bytes they are told to: HTTP/1 by hand, HTTP/2 frame by frame."""

import contextlib
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import h2.config
import h2.connection
import h2.events

KEY = "sk-good"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `status` is 0 when the connection was closed without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The error message as both OpenAI's and Anthropic's clients read it."""
        document = self.json()
        assert document["type"] == "error"
        assert isinstance(document["error"]["type"], str)
        return str(document["error"]["message"])


def request_bytes(
    method: str = "GET",
    target: str = "/v1/models",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    key: str | None = KEY,
    host: str = "gateway.test",
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_answer(connection: socket.socket, *, bodiless: bool = False) -> Answer:
    """Read one answer. A reset or an end before it gives status 0; a timeout raises."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return Answer(0, {}, data)
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "content-length" in headers and not bodiless:
            while len(body) < int(headers["content-length"]) and (part := connection.recv(65536)):
                body += part
    except ConnectionError:
        return Answer(0, {}, data)
    return Answer(status, headers, body)


def exchange(connection: socket.socket, data: bytes) -> Answer:
    """Send bytes, read one answer, close. A peer that answers before it has read everything is no error."""
    with connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        return read_answer(connection, bodiless=data.startswith(b"HEAD "))


def tls(connection: socket.socket, ca: str | None, name: str, alpn: list[str] | None = None) -> ssl.SSLSocket:
    """A TLS client; without `ca` the certificate is not looked at."""
    context = ssl.create_default_context(cafile=ca)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(connection, server_hostname=name)


def http2(connection: socket.socket, headers: list[tuple[str, str]], body: bytes | None = None) -> Answer:
    """One HTTP/2 request with these very headers, pseudo-headers included and unchecked; status 0 for a reset."""
    config = h2.config.H2Configuration(
        client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="utf-8"
    )
    conversation = h2.connection.H2Connection(config)
    conversation.initiate_connection()
    conversation.send_headers(1, headers, end_stream=body is None)
    if body is not None:
        conversation.send_data(1, body, end_stream=True)
    with connection:
        connection.sendall(conversation.data_to_send())
        status, received, answer = 0, {}, b""
        while data := connection.recv(65536):
            for event in conversation.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    received = {str(name): str(value) for name, value in event.headers}
                    status = int(received[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    answer += event.data
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    return Answer(status, received, answer)
            connection.sendall(conversation.data_to_send())
    return Answer(status, received, answer)
