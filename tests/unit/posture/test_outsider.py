"""What a stranger beside the front is told."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from posture.programs import outsider, text_of
from tests.unit.components.test_certificates import pair
from tests.unit.posture.test_programs import answer, listener


@pytest.mark.parametrize(("said", "expected"), [(answer("200 OK"), "answered"), (b"", "closed")])
def test_a_stranger_is_answered_or_hung_up_on(said: bytes, expected: str) -> None:
    with listener(said) as place:
        assert outsider.attempt(*place, secure=False) == expected


def test_a_stranger_who_gets_no_handshake_is_not_answered() -> None:
    with listener(b"") as place:
        assert outsider.attempt(*place, secure=True) not in ("answered", "closed")


def test_a_stranger_asks_by_the_name_without_which_there_is_no_handshake(tmp_path: Path) -> None:
    """As a gateway with ``tls: acme`` has it: whoever is let in, and asks for nobody, is told no more than others."""

    def known(_socket: object, name: str | None, _context: object) -> int | None:
        return None if name == "gateway.test" else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    chain, key = pair("gateway.test")
    (tmp_path / "tls.pem").write_text(f"{chain}\n{key}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem")
    context.sni_callback = known
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            caller, _ = server.accept()
            with contextlib.suppress(OSError), context.wrap_socket(caller, server_side=True) as inside:
                inside.recv(64)
                inside.sendall(answer("200 OK"))

        thread = threading.Thread(target=serve)
        thread.start()
        assert outsider.attempt(*server.getsockname(), secure=True, name="gateway.test") == "answered"
        thread.join()


@pytest.mark.parametrize(("tls", "expected"), [("off", "answered"), ("on", "SSLError")])
def test_a_stranger_is_a_program_that_is_told_where_to_go(tls: str, expected: str) -> None:
    with listener(answer("200 OK")) as (host, port):
        command = [sys.executable, "-I", "-c", text_of("outsider"), host, str(port), tls, "localhost"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == expected
