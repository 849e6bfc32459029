"""The DNS server on loopback: lego's own questions get an answer, and none leaves the container."""

import time

import pytest
from acme_keeper.zone import ZoneServer
from dnslib import QTYPE, RCODE, DNSRecord


@pytest.fixture
def server() -> ZoneServer:
    return ZoneServer("example.org", 0.3, ("127.0.0.1", 0))


def ask(server: ZoneServer, name: str, kind: str) -> DNSRecord | None:
    answer = server.answer(DNSRecord.question(name, kind).pack())
    return DNSRecord.parse(answer) if answer else None


def test_the_zone_is_found_and_no_other_name(server: ZoneServer) -> None:
    found = ask(server, "Example.org.", "SOA")
    assert found
    assert [(str(rr.rname), QTYPE[rr.rtype]) for rr in found.rr] == [("Example.org.", "SOA")]
    for name in ("_acme-challenge.gw.example.org", "org", "example.com"):
        other = ask(server, name, "SOA")
        assert other
        assert RCODE[other.header.rcode] == "NXDOMAIN"


def test_a_record_is_seen_after_its_time_and_the_next_one_waits_anew(server: ZoneServer) -> None:
    name = "_acme-challenge.gw.example.org"
    assert ask(server, name, "TXT") is None
    time.sleep(0.4)
    found = ask(server, name, "TXT")
    assert found
    assert RCODE[found.header.rcode] == "NOERROR"
    server.forget()
    assert ask(server, name, "TXT") is None


@pytest.mark.parametrize(
    "broken", [b"", b"\x00" * 12, b"\x00" * 12 + b"\x05ab", b"\x00" * 12 + b"\x02\xff\xfe\x00\x00\x01\x00\x01"]
)
def test_what_is_no_question_gets_no_answer(server: ZoneServer, broken: bytes) -> None:
    assert server.answer(broken) is None


def test_it_answers_over_udp(server: ZoneServer) -> None:
    server.start()
    sent = DNSRecord.question("example.org", "SOA")
    assert DNSRecord.parse(sent.send(*server.address, timeout=5)).rr
