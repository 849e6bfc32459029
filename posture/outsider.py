"""A source outside the allow-list: a throw-away container beside the front, which tries to be answered."""

import json
from collections.abc import Mapping
from typing import Any

from posture import running
from posture.declaration import Declaration
from posture.engine import Engine
from rules.layout import GATEWAY_PLAIN_PORT, GATEWAY_TLS_PORT
from rules.vocabulary import TlsMode

# Connects, sends what begins a request or a handshake, and tells what came back.
SCRIPT = r"""
import json, socket, ssl, sys
address, port, secure = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "on"
try:
    s = socket.create_connection((address, port), 4)
    s.settimeout(4)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        s = context.wrap_socket(s)
    s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    got = s.recv(64)
    print(json.dumps("answered" if got else "closed"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--user", "65534:65534")
LIMITS = ("--memory", "128m", "--memory-swap", "128m", "--cpus", "1", "--pids-limit", "16")


def try_from_stranger(declaration: Declaration, engine: Engine, front: Mapping[str, Any]) -> str:
    """Returns what a stranger on the front's own network got: ``answered``, or how it was refused.

    Raises:
        EngineError: when the container cannot be started.
    """
    edge = declaration.networks["edge"]["name"]
    address = front["NetworkSettings"]["Networks"][edge]["IPAddress"]
    secure = declaration.settings.tls_mode is not TlsMode.OFF
    out = engine.run(
        *(
            "run",
            "--rm",
            "--network",
            edge,
            *HARDENED,
            *LIMITS,
            "--label",
            f"{running.PROBE}={declaration.name}",
        ),
        *("--entrypoint", "/usr/bin/python3", declaration.containers["litellm"].inputs["image"], "-I", "-c", SCRIPT),
        *(address, str(GATEWAY_TLS_PORT if secure else GATEWAY_PLAIN_PORT), "on" if secure else "off"),
    )
    return str(json.loads(out.splitlines()[-1]))
