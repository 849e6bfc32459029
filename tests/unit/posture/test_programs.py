"""The programs that run in containers: what they tell of what they find there."""

import ast
import hashlib
import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from posture.programs import inside, text_of

TOKEN = "sk-ant-oat-of-the-tests"
END = 1_800_000_000_000


@contextmanager
def listener(said: bytes) -> Iterator[tuple[str, int]]:
    """Takes one connection, reads what is asked, says this, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=serve, daemon=True)  # whom nobody asks, it holds up nothing
        thread.start()
        yield server.getsockname()[:2]
        thread.join()


def answer(status: str, body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("name", ["inside", "outsider"])
def test_a_program_needs_nothing_but_pythons_library(name: str) -> None:
    statements = list(ast.walk(ast.parse(text_of(name))))
    imported = {one.module or "" for one in statements if isinstance(one, ast.ImportFrom)}
    imported |= {alias.name for one in statements if isinstance(one, ast.Import) for alias in one.names}
    assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names


@pytest.mark.parametrize(("said", "expected"), [(answer("401 No"), 401), (answer("200 OK"), 200)])
def test_a_key_is_what_litellm_says_of_it(monkeypatch: pytest.MonkeyPatch, said: bytes, expected: int) -> None:
    with listener(said) as place:
        monkeypatch.setattr(inside, "LITELLM", place)
        assert inside.status("sk-any") == expected


def test_nobody_at_litellms_port_is_told_by_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        place = gone.getsockname()[:2]
    monkeypatch.setattr(inside, "LITELLM", place)
    assert inside.status(None) == "ConnectionRefusedError"
    assert inside.limits() is None


def test_for_whom_limits_are_counted_is_read_from_the_readiness_check(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener(answer("200 OK", json.dumps({"limits": "of all replicas"}))) as place:
        monkeypatch.setattr(inside, "LITELLM", place)
        assert inside.limits() == "of all replicas"


def test_a_host_that_refuses_is_there_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()[:2]
        assert inside.answers(*place)
    assert inside.answers(*place)


def test_a_host_that_says_nothing_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_: socket.socket, __: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", wait)
    assert not inside.answers("192.0.2.1", 9)


@pytest.mark.parametrize(
    ("address", "family"), [("10.9.0.1", socket.AF_INET), ("fd00::1", socket.AF_INET6), ("::1", socket.AF_INET6)]
)
def test_a_host_is_asked_in_the_family_of_its_address(
    monkeypatch: pytest.MonkeyPatch, address: str, family: socket.AddressFamily
) -> None:
    """In the other one each address is an error, which looks like nobody."""
    asked: list[tuple[int, str]] = []

    @contextmanager
    def made(of: int) -> Iterator[Any]:
        yield SimpleNamespace(settimeout=lambda _: None, connect=lambda place: asked.append((of, place[0])))

    monkeypatch.setattr(socket, "socket", made)
    assert inside.answers(address, 22)
    assert asked == [(family, address)]


ROUTES = "Iface\tDestination\tGateway\n"
BY_GATEWAY = ROUTES + "eth0\t00000000\t010011AC\n"
ARP = "IP address HW type Flags\n"
DEFAULT6 = f"{'0' * 32} 00 {'0' * 32} 00 {'f' * 32} 00000400 1 0 00200200"


@pytest.mark.parametrize(
    ("route", "arp", "route6", "found"),
    [
        (BY_GATEWAY, ARP + "172.17.0.1 0x1 0x2\n", None, ["172.17.0.1"]),
        (BY_GATEWAY, ARP + "172.17.0.1 0x1 0x0\n", None, []),  # nobody answered
        (BY_GATEWAY, ARP + "172.17.0.9 0x1 0x2\n", None, []),
        (ROUTES + "eth0\t000011AC\t00000000\n", ARP + "172.17.0.1 0x1 0x2\n", None, []),  # a network, no way out
        (ROUTES + "eth0\t00000000\t00000000\n", ARP + "0.0.0.0 0x1 0x2\n", None, []),
        (ROUTES, ARP, f"{DEFAULT6} eth0\n{DEFAULT6} lo\n", ["IPv6 on eth0"]),
        (ROUTES, ARP, f"{'0' * 31}1 80 {DEFAULT6[36:]} eth0\n", []),  # a host, no way out
        (ROUTES, ARP, f"{'0' * 32} 40 {DEFAULT6[36:]} eth0\n", []),
    ],
)
def test_a_way_out_is_a_default_route_behind_which_somebody_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, route: str, arp: str, route6: str | None, found: list[str]
) -> None:
    for name, text in (("route", route), ("arp", arp), ("ipv6_route", route6)):
        if text is not None:
            (tmp_path / name).write_text(text)
    tried: list[tuple[str, int]] = []
    monkeypatch.setattr(inside, "Path", lambda path: tmp_path / Path(path).name)
    monkeypatch.setattr(inside, "answers", lambda *there: tried.append(there))
    assert inside.answering_default_routes() == found
    assert tried == ([("172.17.0.1", 9)] if route == BY_GATEWAY else []), "who is there is known once it was tried"


@pytest.mark.parametrize(("addresses", "found"), [(b"\0\1", True), (b"\0\0", False)])
def test_a_name_is_asked_of_the_engines_resolver(
    monkeypatch: pytest.MonkeyPatch, addresses: bytes, found: bool
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, ThreadPoolExecutor() as pool:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)  # where nobody asks
        monkeypatch.setattr(inside, "EMBEDDED_DNS", server.getsockname())

        def serve() -> bytes:
            asked, client = server.recvfrom(512)
            server.sendto(asked[:6] + addresses + asked[8:], client)
            return asked

        asked = pool.submit(serve)
        assert inside.resolves("example.org") is found
    # RFC 1035, 4.1: one question, recursion desired; the name label by label, of type A and class IN.
    assert asked.result()[2:] == b"\1\0\0\1\0\0\0\0\0\0" + b"\7example\3org\0" + b"\0\1\0\1"


@pytest.mark.parametrize(("said", "expected"), [(answer("403 No"), 403), (answer("200 OK"), 503), (b"", "IndexError")])
def test_a_tunnel_counts_when_somebody_is_at_its_end(
    monkeypatch: pytest.MonkeyPatch, said: bytes, expected: int | str
) -> None:
    with listener(said) as (host, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        assert inside.tunnel("api.anthropic.com:443") == expected


def test_who_is_at_the_end_of_a_tunnel_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", lambda *_, server_hostname: asked.append(server_hostname))
    with listener(answer("200 OK")) as (host, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        assert inside.tunnel("api.anthropic.com:443") == 200
    assert asked == ["api.anthropic.com"]


def write_login(folder: Path, change: Callable[[dict[str, Any]], Any]) -> str:
    login = {"accessToken": TOKEN, "refreshToken": "", "expiresAt": END, "scopes": ["user:inference"]}
    change(login)
    path = folder / ".credentials.json"
    path.write_text(json.dumps({"claudeAiOauth": login}))
    path.chmod(0o600)
    return str(path)


def test_a_login_is_told_by_the_digest_of_its_token(tmp_path: Path) -> None:
    found = inside.login(write_login(tmp_path, lambda _: None))
    assert found is not None
    assert found["digests"] == [hashlib.sha256(TOKEN.encode()).hexdigest()]
    assert (found["expires"], found["refreshable"], found["allowed"], found["mode"]) == (END / 1000, False, True, 0o600)
    assert TOKEN not in json.dumps(found)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda login: login.update(expiresAt=1e300), "ValueError"),
        (lambda login: login.update(expiresAt=None), "TypeError"),
        (lambda login: login.pop("expiresAt"), "KeyError"),
    ],
)
def test_a_login_without_an_end_is_none_that_can_be_used(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], error: str
) -> None:
    assert (inside.login(write_login(tmp_path, change)) or {})["error"] == error


def test_no_login_is_no_error(tmp_path: Path) -> None:
    assert inside.login(str(tmp_path / ".credentials.json")) is None
    assert inside.entry(str(tmp_path / "nothing")) == {"error": "FileNotFoundError"}


def test_all_of_it_is_asked_at_once_and_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with listener(answer("200 OK", "{}")) as place:
        monkeypatch.setattr(inside, "LITELLM", place)
        found = inside.look(
            {"keys": {}, "tunnels": {}, "neighbours": [], "names": [], "packages": True, "folder": str(tmp_path)}
        )
    assert set(found) == {
        "keys",
        "tunnels",
        "neighbours",
        "names",
        "packages",
        "default_routes",
        "limits",
        "volume",
        "login",
    }
    assert found["packages"]["pytest"] == pytest.__version__
    assert found["volume"]["uid"] == tmp_path.stat().st_uid


@pytest.mark.parametrize(
    ("files", "files_free", "free"),
    [(1000, 1, 3 * 4096), (1000, 0, 0), (0, 0, 3 * 4096)],
)
def test_room_is_what_a_new_file_could_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: int, files_free: int, free: int
) -> None:
    """statvfs(3): a file needs an inode, too; some file systems (btrfs) count none and say 0 of 0."""
    room = SimpleNamespace(f_bavail=3, f_frsize=4096, f_files=files, f_favail=files_free)
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    assert inside.entry(str(tmp_path))["free"] == free
