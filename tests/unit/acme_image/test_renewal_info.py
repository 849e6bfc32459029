"""When a CA wants a certificate back before its time: revoked, or about to be."""

import json
from datetime import UTC, datetime
from http.client import BadStatusLine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from acme_keeper import certificate
from acme_keeper.certificate import Certificate
from acme_keeper.renewal_info import EVERY, Advice, Fetch, moment, over_https

from testbed.fakes.https import https_server, serving

UNREADABLE: list[Any] = [
    OSError("away"),
    BadStatusLine("no HTTP"),
    RecursionError("JSON without end"),
    ValueError("no JSON"),
    *({}, [], None, {"suggestedWindow": {"start": 1}}),
    {"suggestedWindow": {"start": "0001-01-01", "end": "0001-01-01"}},
]
DAY = 86400
NOW = 1_800_000_000.0
HELD = Certificate(NOW - 10 * DAY, NOW + 80 * DAY, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
DIRECTORY = "https://ca.example.org/dir"


def window(start: float, end: float) -> dict[str, Any]:
    """What a CA answers."""
    shown = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in (("start", start), ("end", end))}
    return {"suggestedWindow": shown, "explanationURL": "https://ca.example.org/why"}


class Ca:
    """Answers with ``told``; an exception is one that cannot be reached."""

    def __init__(self, told: Any, again: float | None = None) -> None:
        self.told, self.again = told, again
        self.directory: Any = {"renewalInfo": "https://ca.example.org/renewal-info"}
        self.asked: list[str] = []

    def fetch(self, url: str) -> tuple[Any, float | None]:
        self.asked.append(url)
        if isinstance(self.told, Exception):
            raise self.told
        return (self.directory, None) if url == DIRECTORY else (self.told, self.again)


def test_the_name_of_a_certificate_is_as_the_standard_has_it() -> None:
    key = "69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4"
    assert certificate._name(key, "0087654321") == HELD.name  # RFC 9773, 4.1


def test_a_certificate_is_read_with_its_name(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("gw.example.org")
    (tmp_path / "chain.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    held = certificate.read(tmp_path / "chain.pem", "gw.example.org")
    assert held
    key, _, serial = held.name.partition(".")
    assert len(key) == 27, "20 octets of a SHA-1"
    assert serial


def test_one_that_was_revoked_is_due_at_once_and_any_other_in_the_cas_window() -> None:
    revoked = Advice(DIRECTORY, Ca(window(NOW - 2 * DAY, NOW - DAY)).fetch).wanted(HELD, NOW)
    assert revoked is not None
    assert revoked < NOW
    later = Advice(DIRECTORY, Ca(window(NOW + DAY, NOW + 3 * DAY)).fetch).wanted(HELD, NOW)
    assert later is not None
    assert NOW + DAY <= later <= NOW + 3 * DAY


def test_a_clock_that_was_a_year_ahead_keeps_nobody_from_asking_again() -> None:
    ca = Ca(window(NOW + DAY, NOW + 3 * DAY))
    advice = Advice(DIRECTORY, ca.fetch)
    advice.wanted(HELD, NOW + 365 * DAY)
    ca.told = window(NOW - 2 * DAY, NOW - DAY)
    assert (advice.wanted(HELD, NOW) or NOW) < NOW


def test_certificates_are_spread_over_the_window_and_one_stays_where_it_is() -> None:
    told = window(0, 100)
    times = {moment(told, f"key.{number}") for number in range(50)}
    assert len(times) > 10
    assert all(0 <= time <= 100 for time in times)
    assert moment(told, "key.1") == moment(told, "key.1")


def test_the_ca_is_asked_every_six_hours_or_sooner_when_it_says_so() -> None:
    for again, expected in ((None, EVERY), (3600.0, 3600), (1.0, 60), (1e9, EVERY)):
        ca = Ca(window(NOW + DAY, NOW + DAY), again)
        advice = Advice(DIRECTORY, ca.fetch)
        for seconds in (0, 1, expected - 1):
            advice.wanted(HELD, NOW + seconds)
        assert ca.asked == [DIRECTORY, f"https://ca.example.org/renewal-info/{HELD.name}"]
        advice.wanted(HELD, NOW + expected)
        assert len(ca.asked) == 4


@pytest.mark.parametrize("told", UNREADABLE)
def test_what_cannot_be_had_or_read_changes_nothing(told: Any) -> None:
    ca = Ca(window(NOW + DAY, NOW + DAY))
    advice = Advice(DIRECTORY, ca.fetch)
    before = advice.wanted(HELD, NOW)
    ca.told = told
    assert advice.wanted(HELD, NOW + EVERY) == before == NOW + DAY
    assert Advice(DIRECTORY, ca.fetch).wanted(HELD, NOW) is None


def test_a_ca_without_an_opinion_is_asked_for_none() -> None:
    ca = Ca({})
    ca.directory = {"newOrder": "https://ca.example.org/order"}
    assert Advice(DIRECTORY, ca.fetch).wanted(HELD, NOW) is None
    assert ca.asked == [DIRECTORY]


def test_a_new_certificate_is_asked_about_anew_and_not_replaced_at_once_whatever_the_ca_says() -> None:
    ca = Ca(window(NOW - 2 * DAY, NOW - DAY))
    advice = Advice(DIRECTORY, ca.fetch)
    advice.wanted(HELD, NOW)
    new = Certificate(NOW, NOW + 90 * DAY, "key.another")
    assert advice.wanted(new, NOW + 1) == NOW + EVERY
    assert ca.asked[-1].endswith("/key.another")
    assert advice.wanted(Certificate(NOW, NOW + 2400, "key.of-minutes"), NOW + 2) == NOW + 100


def server_of(told: bytes, authority: trustme.CA) -> ThreadingHTTPServer:
    """A server on loopback with a certificate of that CA."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("retry-after", "3600")
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    return https_server("127.0.0.1", ("127.0.0.1", 0), authority, Handler)


def test_it_is_asked_over_https_and_a_stranger_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    ca = trustme.CA()
    fetchers: dict[str, Fetch] = {}
    for name, root in (("own", ca), ("other", trustme.CA())):
        root.cert_pem.write_to_path(tmp_path / name)
        fetchers[name] = over_https(tmp_path / name)
    with serving(server_of(json.dumps({"a": 1}).encode(), ca)) as port:
        url = f"https://127.0.0.1:{port}/x"
        assert fetchers["own"](url) == ({"a": 1}, 3600.0)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            fetchers["other"](url)
    with pytest.raises(ValueError, match="http:"):
        fetchers["own"]("http://127.0.0.1/")
