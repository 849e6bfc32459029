"""A source outside the allow-list: a throw-away container beside the front, which tries to be answered."""

import json
from collections.abc import Mapping
from typing import Any

from posture import running
from posture.declaration import Declaration
from posture.engine import Engine
from posture.programs import text_of
from rules.layout import GATEWAY_PLAIN_PORT, GATEWAY_TLS_PORT
from rules.setting_types import TlsMode

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--user", "65534:65534")
LIMITS = ("--memory", "128m", "--memory-swap", "128m", "--cpus", "1", "--pids-limit", "16")


def try_as_outsider(declaration: Declaration, engine: Engine, front: Mapping[str, Any]) -> str:
    """Returns what a container beside the front got: ``answered``, or how it was refused.

    Raises:
        EngineError: when the container cannot be started.
    """
    edge = declaration.networks["edge"]["name"]
    address = front["NetworkSettings"]["Networks"][edge]["IPAddress"]
    secure = declaration.settings.tls_mode is not TlsMode.OFF
    image = declaration.containers["litellm"].inputs["image"]
    port = GATEWAY_TLS_PORT if secure else GATEWAY_PLAIN_PORT
    out = engine.run(
        *("run", "--rm", "--network", edge, *HARDENED, *LIMITS, "--label", f"{running.PROBE}={declaration.name}"),
        *("--entrypoint", "/usr/bin/python3", image, "-I", "-c", text_of("outsider")),
        *(address, str(port), "on" if secure else "off", declaration.settings.hostname),
    )
    return str(json.loads(out.splitlines()[-1]))
