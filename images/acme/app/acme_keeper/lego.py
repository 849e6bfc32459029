"""What is asked of the CA, by lego: a certificate, or that one is revoked; and what came of it."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from acme_keeper.settings import DNS, Settings
from acme_keeper.zone import ADDRESS

HTTP_PORT = 8080
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
TIME = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
PROBLEM = re.compile(r"urn:ietf:params:acme:error:(?P<kind>\w+) :: (?P<detail>.*?)(?:, url: ?\S*)?$")
PASSED_ON = ("PATH", "HOME", "LANG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
SECONDS = 900
"""No provider takes longer; what hangs is ended and tried again."""
LONGEST = 400
KEY_COMPROMISE = "1"
"""RFC 5280, 5.3.1."""


class RefusedError(Exception):
    """There is no certificate; says why, in the CA's words where it said something."""


def _common(settings: Settings, folder: Path) -> list[str]:
    whose = ["--server", settings.directory, "--email", settings.email, "--domains", settings.hostname]
    return ["lego", "--accept-tos", "--path", str(folder), *whose]


def command(settings: Settings, folder: Path) -> list[str]:
    """Returns lego's command line, which holds nothing secret."""
    how = ["--http", "--http.port", f":{HTTP_PORT}"]
    if settings.challenge == DNS:
        resolver = "{}:{}".format(*ADDRESS)
        how = ["--dns", settings.provider, "--dns.resolvers", resolver, "--dns.disable-cp"]
    return [*_common(settings, folder), "--key-type", "ec256", *how, "run"]


def trust(settings: Settings, file: Path) -> Path:
    """Returns the file with those who are trusted: the system's, and in ``file`` the settings' own besides."""
    if not settings.authority:
        return SYSTEM
    file.write_text(SYSTEM.read_text() + "\n" + settings.authority + "\n")
    return file


def environment(settings: Settings, trusted: Path, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns lego's whole environment: the way out, whom to trust, and the DNS provider's variables."""
    passed = {name: own[name] for name in PASSED_ON if name in own}
    # No alias of the name is looked for: that would be one more question to the DNS.
    fixed = {"SSL_CERT_FILE": str(trust(settings, trusted)), "LEGO_DISABLE_CNAME_SUPPORT": "true"}
    return {**passed, **fixed, **settings.variables}


def obtain(settings: Settings, folder: Path, trusted: Path) -> tuple[str, str]:
    """Asks for a new certificate, with the account that is in ``folder``, and returns its chain and its key in PEM.

    Raises:
        RefusedError: when there is none.
    """
    said = _run(command(settings, folder), settings, trusted)
    if said and "error:accountDoesNotExist" in said:  # the CA has forgotten it, as a test CA does
        shutil.rmtree(folder / "accounts", ignore_errors=True)
        said = _run(command(settings, folder), settings, trusted)
    if said:
        raise RefusedError(reason(said, settings.variables.values()))
    made = folder / "certificates" / settings.hostname
    return made.with_name(f"{made.name}.crt").read_text(), made.with_name(f"{made.name}.key").read_text()


def revoke(settings: Settings, folder: Path, trusted: Path) -> None:
    """Has the CA revoke the certificate that was got last, because somebody has seen its key.

    Raises:
        RefusedError: when it is not revoked.
    """
    said = _run([*_common(settings, folder), "revoke", "--keep", "--reason", KEY_COMPROMISE], settings, trusted)
    if said and "error:alreadyRevoked" not in said:
        raise RefusedError(reason(said, settings.variables.values()))


def _run(command_line: list[str], settings: Settings, trusted: Path) -> str | None:
    """Returns what lego said when it failed, else None."""
    process = subprocess.Popen(
        command_line,
        env=environment(settings, trusted),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise RefusedError(f"no answer within {SECONDS} s") from None
    return (said or "lego ended without a word") if process.returncode else None


def reason(said: str, secrets: Iterable[str] = ()) -> str:
    """Returns the one thing that matters of what lego said: the CA's problem (RFC 8555) where there is one."""
    lines = [TIME.sub("", line).strip() for line in said.splitlines() if line.strip()]
    text = lines[-1]
    for line in lines:
        if found := PROBLEM.search(line):
            text = f"{found['kind']}: {found['detail']}"
    for secret in secrets:
        text = text.replace(secret, "***")
    shown = "".join(char if char.isprintable() else " " for char in text)  # a terminal obeys others
    return shown.strip(" ,.")[:LONGEST]
