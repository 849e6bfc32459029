"""What the egress proxy would refuse of a URL, or nobody could reach, the preview refuses in a sentence."""

from typing import Any

import pytest

from rules.https_url import outside
from tests.unit.components.test_configuration import refusal, settings

HTTP: dict[str, Any] = {
    "tls": "acme",
    "hostname": "gw.example.org",
    "acmeEmail": "you@example.org",
    "acmeChallenge": "http-01",
    "redirectPort": 80,
}
WRONG = [
    "",
    "ca.example.org",
    "http://ca.example.org",
    "https://",
    "https://ca",
    "https://localhost:14000",
    "https://ca.example.org.",
    "https://ca_1.example.org",
    "https://*.example.org",
    "https://ca.example.org:99999",
    "https://ca.example.org:0",
    "https://ca.example.org:port",
    "https://:443",
    "https://me:pw@ca.example.org",
    "https://ca.example.org?x",
    "https://ca.example.org#x",
    "https://[::1",
    "https://[fe80::1%eth0]",
    " https://ca.example.org",
    "https://ca.exam\tple.org",
]
RIGHT = ["https://ca.example.org", "https://CA.example.org:9000/", "https://10.0.0.5", "https://[fd00::5]:9000"]


@pytest.mark.parametrize("url", WRONG)
def test_no_other_url_is_taken(url: str) -> None:
    assert outside(url) is None
    if url:  # nothing means the default
        assert "acmeDirectory: must be the https URL" in refusal("prod", **{**HTTP, "acmeDirectory": url})
        assert "anthropicBaseUrl: must be an https URL" in refusal("prod", anthropicBaseUrl=url)


@pytest.mark.parametrize("url", RIGHT)
def test_a_full_name_or_an_address_is_taken_with_any_port(url: str) -> None:
    assert outside(url) is not None
    assert settings("prod", **{**HTTP, "acmeDirectory": f"{url.rstrip('/')}/acme/dir"}).acme
    assert settings("prod", anthropicBaseUrl=url).upstream[0] in url.lower()
