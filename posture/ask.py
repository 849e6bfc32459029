"""``python -m posture.ask STACK``: asks the gateway for its models, as a client does. The last act of ``make up``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from posture.declaration import Declaration, DeclarationError, read
from posture.edge import Edge
from posture.engine import Engine, EngineError
from rules.setting_types import Orchestrator

ROOT = Path(__file__).parent.parent
SECONDS = 60
"""How long a container that was just started may take to be behind the gateway."""


def fault(
    edge: Edge, key: str, stack: str, hung: Callable[[], bool] = lambda: False, docker: str = "docker"
) -> str | None:
    """Returns why a client gets no answer, and what to do; None when it gets one, or when none can be had from here.

    ``hung`` says whether a container is known not to start any more, so that nothing is waited for.
    """
    edge.wait(SECONDS, hung)
    answer = edge.get("/v1/models", key=key)
    if answer.status == 200 or (not answer.status and not edge.expected):
        return None
    anew = ""
    if edge.declaration.settings.orchestrator is Orchestrator.DOCKER:
        names = " ".join(container.name for container in edge.declaration.containers.values())
        anew = f". To start all of it anew: {docker} restart {names}"
    return (
        f"the gateway of '{stack}' answers the master key with {answer}. "
        f"What is wrong: make verify STACK={stack}, and make logs STACK={stack}{anew}"
    )


def hangs(declared: Declaration, engine: Engine) -> bool:
    """Whether a container of the stack has been found, by the engine's own tries, to answer nothing."""
    found = engine.inspect("container", [one.id for one in declared.containers.values()])
    return any((entry["State"].get("Health") or {}).get("Status") == "unhealthy" for entry in found)


def main() -> int:
    """Returns the exit status: 1 with a sentence when the gateway does not serve."""
    stack = sys.argv[1]
    try:
        declared = read(stack, ROOT, os.environ, exported=False)
        engine = Engine(declared.settings.docker_host, declared.settings.docker_cert_path)
        problem = fault(Edge(declared, engine), declared.key, stack, lambda: hangs(declared, engine), engine.typed)
    except (DeclarationError, EngineError) as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"error: {problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
