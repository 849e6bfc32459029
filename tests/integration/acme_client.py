"""A client of a stack with `tls: acme`, and what the stack says of its certificate."""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cryptography import x509

from testbed.deployment import Deployment

NAME, PORT, REDIRECT = "gw.example.org", 14590, 14591
STREAM = {"model": "sonnet", "messages": [{"role": "user", "content": "FAKE:slow:3"}], "stream": True}
"""Three minutes of events."""


@dataclass
class Client:
    """A client that trusts the CA's root alone, and knows where the name leads: to a port of this machine."""

    stack: Deployment
    roots: list[str]
    failed: list[str] = field(default_factory=list)
    asked: int = 0
    key: str = ""
    name: str = NAME
    port: int = PORT

    def connect(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cadata="".join(self.roots))
        connection = http.client.HTTPConnection(self.name, self.port, timeout=30)
        raw = socket.create_connection(("127.0.0.1", self.port), 30)
        connection.sock = context.wrap_socket(raw, server_hostname=self.name)
        return connection

    def certificate(self) -> x509.Certificate:
        """The one that is shown; one that does not hold raises."""
        with contextlib.closing(self.connect()) as connection:
            assert isinstance(connection.sock, ssl.SSLSocket)
            der = connection.sock.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der or b"")

    def serial(self) -> int:
        return self.certificate().serial_number

    def ask(self, connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/v1/models", headers={"authorization": f"Bearer {self.key}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(self.connect()) as connection:
            return self.ask(connection) == 200
        return False

    def stream(self) -> list[bytes]:
        """An answer that takes its time: its lines, which come while it goes on."""
        connection = self.connect()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(STREAM), headers)
        answer, lines = connection.getresponse(), [b""]

        def read() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                lines.extend(answer)

        threading.Thread(target=read, daemon=True).start()
        return lines

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Asks all the while: on one connection that is kept, and on new ones."""
        end = threading.Event()

        def run(*, kept: bool) -> None:
            connection = self.connect()
            while not end.wait(0.01):
                try:
                    if not kept or connection.sock is None:  # it was told to end with its last answer
                        connection = self.connect()
                    status = self.ask(connection)
                    self.asked += 1
                    if status != 200:
                        self.failed.append(str(status))
                except (OSError, http.client.HTTPException) as error:
                    self.failed.append(repr(error))
                    connection = self.connect()

        threads = [threading.Thread(target=run, kwargs={"kept": kept}) for kept in (True, False)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join()


def state(stack: Deployment) -> dict[str, object]:
    with contextlib.suppress(ValueError):  # it begins
        return dict(json.loads(stack.exec("acme", "cat", "/run/acme/state.json")))
    return {"state": None}


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(int(seconds / 0.2)):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("it does not come to hold")
