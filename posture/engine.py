"""The stack's engine, as the checks ask it: each command within a time limit, and what it prints as text."""

from typing import Any

from rules.docker import Client, EngineError

__all__ = ["ElsewhereError", "Engine", "EngineError"]


class ElsewhereError(EngineError):
    """What is asked for is on another node of the Swarm, and cannot be looked into from this one."""


class Engine(Client):
    """Runs docker commands. ``host`` and ``certificates`` as the settings dockerHost and dockerCertPath have them."""

    seconds = 60
    """For what runs in a container (posture/programs), too."""

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True, both: bool = False) -> str:
        """Returns what a docker command printed; with ``both`` what stands on its error channel behind it.

        A warning of the client's own goes to the error channel, so that what is parsed must not hold it.

        Raises:
            EngineError: when there is no docker client, it fails (with ``check``), or it takes too long.
        """
        done = self.call(*arguments, stdin=stdin)
        if check and done.returncode:
            raise EngineError(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout + (done.stderr if both else "")

    def json_lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Returns the JSON objects that a command with ``--format {{json .}}`` prints, one a line."""
        return self.objects(*arguments, "--format", "{{json .}}")
