"""The docker client, pointed at the engine that the stack runs on."""

import json
import os
import subprocess
from collections.abc import Iterable
from typing import Any

SECONDS = 20
"""How long one docker command may take."""


class EngineError(RuntimeError):
    """The docker client failed; its own words, which hold nothing of a container's environment."""


class Engine:
    """Runs docker commands. ``host`` and ``certificates`` as the settings dockerHost and dockerCertPath have them."""

    def __init__(self, host: str | None = None, certificates: str | None = None) -> None:
        self.host = host or os.environ.get("DOCKER_HOST", "")
        self._environment = dict(os.environ)
        if host:
            self._environment["DOCKER_HOST"] = host
        if certificates:
            self._environment |= {"DOCKER_CERT_PATH": certificates, "DOCKER_TLS_VERIFY": "1"}

    @property
    def local(self) -> bool:
        """Whether the engine is this machine's own, so that a published port is one of this machine."""
        return not self.host or self.host.startswith(("unix:", "npipe:"))

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True, both: bool = False) -> str:
        """Returns what a docker command printed; with ``both`` what stands on its error channel behind it.

        A warning of the client's own goes to the error channel, so that what is parsed must not hold it.

        Raises:
            EngineError: when there is no docker client, it fails (with ``check``), or it takes too long.
        """
        try:
            done = subprocess.run(  # noqa: S603 - no shell
                ["docker", *arguments],  # noqa: S607 - the user's own client
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                env=self._environment,
            )
        except FileNotFoundError:
            raise EngineError(
                "there is no docker command on PATH, which the checks need. Install Docker's client"
            ) from None
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]} did not finish in {SECONDS} s") from None
        if check and done.returncode:
            raise EngineError(f"docker {arguments[0]}: {done.stderr.strip()[:500]}")
        return done.stdout + (done.stderr if both else "")

    def json_lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Returns the JSON objects that a command with ``--format {{json .}}`` prints, one a line."""
        return [json.loads(line) for line in self.run(*arguments, "--format", "{{json .}}").splitlines() if line]

    def inspect(self, kind: str, names: Iterable[str]) -> list[dict[str, Any]]:
        """Returns what the engine knows of ``names``; those that do not exist are left out."""
        names = sorted(set(names))
        if not names:
            return []
        out = self.run(kind, "inspect", "--format", "{{json .}}", *names, check=False)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
