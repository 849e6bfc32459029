"""Whether a caller's address is its own: what is asked, and what is made of the gateway's log."""

import json
import socket
from ipaddress import ip_address
from typing import Any, Self

import pytest

import posture.checks  # noqa: F401 - fills the registry
from posture import caller_address
from posture.edge import Answer, Edge
from posture.engine import Engine
from posture.model import REGISTRY
from tests.unit.posture.conftest import Make

LOCAL = "unix:///var/run/docker.sock"
ADDRESS = "192.0.2.10"


class Log(Engine):
    """Stands in for docker: what the gateway's log holds at each look."""

    def __init__(self, *looks: list[str]) -> None:
        super().__init__(LOCAL)
        self.looks = list(looks)

    def run(self, *command: str, **_: Any) -> str:
        assert command[0] == "logs"
        assert command[-1] == "id-gateway"
        return "\n".join(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])


def line(source: str, request: str) -> str:
    return json.dumps({"source": source, "request_id": request})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_address, "SECONDS", 0.01)
    monkeypatch.setattr("rules.waiting.POLL_SECONDS", 0)
    monkeypatch.setattr(caller_address, "_own", lambda bound: f"own-{bound.version}")


@pytest.mark.parametrize(
    ("bound", "engine", "asked"),
    [
        (["127.0.0.1"], LOCAL, None),
        (["0.0.0.0"], LOCAL, "own-4"),
        (["127.0.0.1", "::"], LOCAL, "own-6"),
        (["127.0.0.1", ADDRESS], LOCAL, ADDRESS),
        ([ADDRESS, "192.0.2.11"], LOCAL, ADDRESS),
        (["0.0.0.0"], "ssh://ops@gateway.example.org", "gateway.example.org"),
        (["0.0.0.0"], "ssh://ops@localhost:2222", None),
        (["0.0.0.0"], "ssh://ops@127.0.0.1", None),
    ],
)
def test_it_calls_where_a_stranger_would(make: Make, bound: list[str], engine: str, asked: str | None) -> None:
    edge = Edge(make(settings={"bindAddresses": bound}).declaration, Engine(engine))
    assert caller_address.outward(edge) == asked


def judged(make: Make, monkeypatch: pytest.MonkeyPatch, answer: Answer, log: Log) -> tuple[str, str]:
    asked: list[Any] = []

    def get(edge: Edge, path: str, **_: Any) -> Answer:
        asked.append((edge.address, path))
        return answer

    monkeypatch.setattr(Edge, "get", get)
    context = make(settings={"bindAddresses": [ADDRESS], "allowHost": True})
    context.engine = log
    outcome = REGISTRY["access.sources"].run(context)
    assert asked == [(ADDRESS, "/healthz")]
    return outcome.status.value, outcome.evidence


@pytest.mark.parametrize(("source", "status"), [("198.51.100.7", "pass"), ("127.0.0.1", "fail"), ("::1", "fail")])
def test_a_call_from_elsewhere_that_looks_like_this_machines_is_a_finding(
    make: Make, monkeypatch: pytest.MonkeyPatch, source: str, status: str
) -> None:
    late = Log([line("127.0.0.1", "req_0")], ["no JSON of req_1", line(source, "req_1"), line("10.0.0.1", "req_2")])
    found = judged(make, monkeypatch, Answer(200, {"x-request-id": "req_1"}), late)
    assert found[0] == status
    assert source in found[1]


def test_a_call_that_is_refused_was_a_strangers(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(make, monkeypatch, Answer(0, error="no answer (ConnectionResetError)"), Log([]))
    assert found[0] == "pass"


def test_a_call_that_is_in_no_log_is_no_proof(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookupError, match="no line of the gateway's log"):
        judged(make, monkeypatch, Answer(200, {"x-request-id": "req_1"}), Log([line("10.0.0.1", "req_2")]))


@pytest.mark.parametrize(
    ("bound", "fault", "address"),
    [("0.0.0.0", None, "me"), ("::", None, "me"), ("::", OSError, None)],  # x
)
def test_a_strangers_address_is_the_one_that_leads_outside(
    monkeypatch: pytest.MonkeyPatch, bound: str, fault: type[OSError] | None, address: str | None
) -> None:
    """RFC 5737 and RFC 3849: nobody has those addresses; nothing is sent to them."""

    class Unsent:
        def __init__(self, *kind: Any) -> None:
            assert kind == (socket.AF_INET if bound == "0.0.0.0" else socket.AF_INET6, socket.SOCK_DGRAM)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def connect(self, to: tuple[str, int]) -> None:
            assert to[0] == {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}[bound]
            if fault:
                raise fault

        def getsockname(self) -> tuple[str, int]:
            return "me", 40000

    monkeypatch.undo()
    monkeypatch.setattr(socket, "socket", Unsent)
    assert caller_address._own(ip_address(bound)) == address
