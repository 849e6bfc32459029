"""The CA that `make ca` prints, tried with each kind of client that it has a line for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.authority import LINES
from testbed.deployment import Deployment

GO = """package main
import ("net/http"; "os"; "fmt")
func main() {
  answer, err := http.Get(os.Args[1]); if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
  fmt.Println(answer.StatusCode)
}
"""
NODE = "fetch(process.argv[1]).then(a => console.log(a.status), e => { console.error(e.cause); process.exit(1) })"
ASKING = {
    "Node, Claude Code": ("node", "-e", NODE),
    "Python: httpx, and the SDKs": (
        sys.executable,
        "-c",
        "import sys, httpx; print(httpx.get(sys.argv[1]).status_code)",
    ),
    "Python: requests": (sys.executable, "-c", "import sys, requests; print(requests.get(sys.argv[1]).status_code)"),
    "Go, OpenSSL": ("go", "run", "ask.go"),
    "curl": ("curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}\n"),
    "git": ("git", "ls-remote"),
}
"""How each kind asks; the address is the last argument."""
TRUST = {
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
}
"""What a client of this machine might trust already by."""


def asked(kind: str, url: str, folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in TRUST}
    (folder / "ask.go").write_text(GO)
    command = 'eval "$1"; shift; exec "$@"'
    return subprocess.run(
        ["bash", "-c", command, "bash", line, *ASKING[kind], f"{url}/v1/models"],
        cwd=folder,
        env={**environment, "GIT_TERMINAL_PROMPT": "0", "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, line, _ in LINES])
def test_a_client_trusts_the_stack_by_its_line_and_not_without(
    plain: Deployment, tmp_path: Path, kind: str, line: str
) -> None:
    if shutil.which(ASKING[kind][0]) is None:
        pytest.skip(f"{ASKING[kind][0]} is not on this machine")
    printed = subprocess.run(
        [sys.executable, "-m", "ops.authority", plain.name],
        cwd=plain.project,
        env={**os.environ, **plain.environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "ca.pem").write_text(printed)  # with the text around the certificate, as `make -s ca >ca.pem` leaves it
    assert line in printed
    url = plain.output("url")
    without = asked(kind, url, tmp_path, "true")
    assert without.returncode != 0, without.stdout
    assert "certificate" in (without.stderr + without.stdout).lower()
    trusting = asked(kind, url, tmp_path, line)
    # git, whose protocol this is not, ends on the gateway's answer: the certificate was no obstacle
    reached = "401" in trusting.stdout if kind != "git" else "certificate" not in trusting.stderr.lower()
    assert reached, trusting.stderr
