"""What came of asking for a certificate by ACME: the acme container tells, and the gateway has it or not."""

import contextlib
import json
import time
from typing import Any

from posture.declaration import Declaration
from posture.engine import Engine, EngineError
from rules.layout import CERTIFICATE_DIR
from rules.waiting import POLL_SECONDS, until

SECONDS = 300
"""How long the first certificate may take: a DNS provider needs a minute or two, and a CA some seconds."""
TAKEN_SECONDS = 15
NOTICED_SECONDS = 1.5
"""After which the front has seen that the gateway is ready."""
REPORTED = "/run/acme/reported"
"""There when an update has told of a failure of this container's."""
SHOWN = '[ -e /run/gateway/tls.pem ] && ! [ "$GATEWAY_TLS_FILE" -nt /run/gateway/tls.pem ] && gateway-healthcheck'


def state(declaration: Declaration, engine: Engine) -> dict[str, Any]:
    """Returns what the acme container says: ``state`` (trying, served or failed), ``said``, ``ends``, ``again`` ...

    Raises:
        EngineError: when it cannot be asked.
    """
    told: dict[str, Any] = json.loads(
        engine.run("exec", declaration.containers["acme"].id, "cat", "/run/acme/state.json")
    )
    return told


def served(declaration: Declaration, engine: Engine) -> str:
    """Returns the chain that the gateway shows, in PEM; its key stays where it is.

    Raises:
        EngineError: when there is none yet.
    """
    path = f"{CERTIFICATE_DIR}/{declaration.settings.hostname}/chain.pem"
    return engine.run("exec", declaration.containers["gateway"].id, "cat", path)


def wait(declaration: Declaration, engine: Engine, seconds: float = SECONDS) -> str | None:
    """Waits until the gateway has a certificate; returns why it gets none, in the CA's words.

    What has failed before is tried at once and not after its backoff: somebody has just fixed something.
    """
    end, container = time.monotonic() + seconds, declaration.containers["acme"].id
    told: dict[str, Any] = {}
    others: int | None = None
    while time.monotonic() < end:
        with contextlib.suppress(EngineError, ValueError):  # it has just been started
            told = state(declaration, engine)
        if told.get("ends"):
            return _taken(declaration, engine)
        if told and others is None:
            others = _failures_of_before(engine, container, told)
        if told.get("state") == "failed" and int(told["times"]) > (others or 0):
            engine.run("exec", container, "touch", REPORTED)
            return str(told["said"])
        time.sleep(POLL_SECONDS)
    return str(told.get("said") or f"no certificate for {declaration.settings.hostname} within {seconds:.0f} s")


def _failures_of_before(engine: Engine, container: str, told: dict[str, Any]) -> int:
    """Returns how many failures say nothing of this update. After any it has the CA asked at once.

    A try that is under way began before it, too.
    """
    if engine.call("exec", container, "test", "-e", REPORTED).returncode:
        return 0
    engine.run("kill", "--signal", "USR1", container)
    return int(told["times"]) + int(told["state"] == "trying")


def _taken(declaration: Declaration, engine: Engine) -> str | None:
    command = ("exec", declaration.containers["gateway"].id, "sh", "-c", SHOWN)
    if not until(lambda: engine.call(*command).returncode == 0, TAKEN_SECONDS):
        return "the gateway has not taken the certificate; its log says why"
    time.sleep(NOTICED_SECONDS)
    return None
