"""What lego is told, and what is told of what it says."""

import contextlib
from pathlib import Path

import pytest
from acme_keeper import lego
from acme_keeper.settings import Settings, SettingsError

ENVIRONMENT = {
    "ACME_HOSTNAME": "gw.example.org",
    "ACME_EMAIL": "you@example.org",
    "ACME_DIRECTORY": "https://ca.example.org/dir",
    "ACME_CHALLENGE": "dns-01",
    "ACME_DNS_PROVIDER": "httpreq",
    "ACME_DNS_ZONE": "example.org",
    "ACME_DNS_VARIABLES": "HTTPREQ_ENDPOINT=https://dns.example.org\nHTTPREQ_PASSWORD=s3cr3t",
}
SETTINGS = Settings.from_environment(ENVIRONMENT)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            (
                "2026/11/27 01:00:00 [INFO] [gw] acme: Obtaining\n2026/11/27 01:00:01 Could not obtain certificates:\n"
                "\terror: one or more domains had a problem:\n[gw.example.org] acme: error: 403 :: "
                "urn:ietf:params:acme:error:unauthorized :: The key authorization file is wrong, url: \n"
            ),
            "unauthorized: The key authorization file is wrong",
        ),
        (
            (
                "2026/11/27 01:00:01 Could not complete registration\n\tacme: error: 429 :: POST :: "
                "https://ca.example.org/new-acct :: urn:ietf:params:acme:error:rateLimited :: too many s3cr3t"
            ),
            "rateLimited: too many ***",
        ),
        ("2026/11/27 01:00:01 Could not create client: EOF\n", "Could not create client: EOF"),
        ("lego ended without a word", "lego ended without a word"),
        ("urn:ietf:params:acme:error:caa :: a \x1b[2J\x07b", "caa: a  [2J b"),
    ],
)
def test_the_cas_own_words_are_shown_and_no_secret(said: str, shown: str) -> None:
    assert lego.reason(said, SETTINGS.variables.values()) == shown


def test_no_secret_is_on_the_command_line_and_the_environment_is_legos_own(tmp_path: Path) -> None:
    assert "s3cr3t" not in " ".join(lego.command(SETTINGS, tmp_path))
    own = {"PATH": "/bin", "HTTPS_PROXY": "http://x", "ACME_EMAIL": "x", "PYTHONPATH": "/opt"}
    assert lego.environment(SETTINGS, tmp_path / "trusted", own) == {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://x",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "LEGO_DISABLE_CNAME_SUPPORT": "true",
        "HTTPREQ_ENDPOINT": "https://dns.example.org",
        "HTTPREQ_PASSWORD": "s3cr3t",
    }


def test_a_ca_of_ones_own_is_trusted_besides_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "system").write_text("SYSTEM")
    monkeypatch.setattr(lego, "SYSTEM", tmp_path / "system")
    settings = Settings("gw", "you", "http-01", "https://ca/dir", authority="OWN")
    found = lego.environment(settings, tmp_path / "trusted", {})
    assert Path(found["SSL_CERT_FILE"]).read_text() == "SYSTEM\nOWN\n"


@pytest.mark.parametrize("name", ["ACME_HOSTNAME", "ACME_EMAIL", "ACME_DIRECTORY"])
def test_a_variable_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set"):
        Settings.from_environment({**ENVIRONMENT, name: ""})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ACME_CHALLENGE": "x"}, "ACME_CHALLENGE must be http-01 or dns-01"),
        ({"ACME_DNS_VARIABLES": "x"}, "ACME_DNS_VARIABLES has no NAME=value in line 1"),
        ({"ACME_DNS_PROVIDER": "manual"}, "manual asks a person"),
        ({"ACME_DNS_VARIABLES": ""}, "lacks the variable HTTPREQ_ENDPOINT"),
    ],
)
def test_what_the_preview_refuses_the_container_refuses(changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment({**ENVIRONMENT, **changes})


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("", None),
        ("acme: error: 400 :: POST :: https://ca/revoke :: urn:ietf:params:acme:error:alreadyRevoked :: it is", None),
        (
            "acme: error: 403 :: POST :: https://ca/revoke :: urn:ietf:params:acme:error:unauthorized :: not s3cr3t",
            r"^unauthorized: not \*\*\*$",
        ),
    ],
)
def test_what_is_revoked_already_is_revoked_and_a_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, refused: str | None
) -> None:
    program = tmp_path / "lego"
    program.write_text(f'#!/bin/sh\nprintf "%s " "$@" >"$0.asked"\necho "{said}"\n[ -z "{said}" ]\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(lego.RefusedError, match=refused) if refused else contextlib.nullcontext():
        lego.revoke(SETTINGS, tmp_path, tmp_path / "trusted")
    asked = (tmp_path / "lego.asked").read_text()
    assert "--domains gw.example.org revoke --keep --reason 1" in asked
    assert "s3cr3t" not in asked
