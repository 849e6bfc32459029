"""Looks taken from inside the containers, by ``docker exec`` as the container's own user."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from posture.declaration import Declaration
from posture.engine import Engine
from rules.keys import DEVELOPMENT_KEY
from rules.layout import CLAUDE_CONFIG_DIR
from rules.waiting import POLL_SECONDS

PYTHON = "/opt/venv/bin/python"
METADATA = "169.254.169.254"
"""Where clouds answer with credentials."""
PUBLIC = "1.1.1.1"
DEFAULT_BRIDGE = "172.17.0.1"
REFUSED = "posture.example.com"
RUNC_INIT = "runc:["
"""Name of a process that is about to become what docker exec was asked for."""

# What is asked stands on standard input, so that no key is in an argument. Answers hold no secret either.
SCRIPT = r"""
import concurrent.futures, hashlib, http.client, importlib.metadata, json, os, socket, ssl, stat, struct, sys
ask = json.load(sys.stdin)

def status(key):
    headers = {} if key is None else {"authorization": "Bearer " + key}
    try:
        c = http.client.HTTPConnection("127.0.0.1", 4000, timeout=4)
        c.request("GET", "/v1/models", headers=headers)
        return c.getresponse().status
    except OSError as error:
        return type(error).__name__

def ways():
    # A default route alone is no way out: someone must answer for its next hop on the wire (ARP).
    hops = []
    for line in open("/proc/net/route").read().splitlines()[1:]:
        word = line.split()
        if word[1] == "00000000" and word[2] != "00000000":
            hops.append(socket.inet_ntoa(struct.pack("<I", int(word[2], 16))))
    for hop in hops:
        answers(hop, 9)
    known = [line.split() for line in open("/proc/net/arp").read().splitlines()[1:]]
    out = [hop for hop in hops if any(entry[0] == hop and entry[2] != "0x0" for entry in known)]
    try:
        for line in open("/proc/net/ipv6_route").read().splitlines():
            word = line.split()
            if word[0] == "0" * 32 and word[1] == "00" and word[9] != "lo":
                out.append("IPv6 on " + word[9])
    except OSError:
        pass
    return out

def answers(address, port):
    with socket.socket() as s:
        s.settimeout(0.7)
        try:
            s.connect((address, port))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

def resolves(name):
    # By hand, because the resolver waits 20 s. Docker's embedded DNS is at 127.0.0.11.
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2.5)
        try:
            s.sendto(b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01", ("127.0.0.11", 53))
            return s.recv(512)[6:8] != b"\0\0"
        except OSError:
            return False

def tunnel(target):
    try:
        proxy = os.environ["HTTPS_PROXY"].rpartition("/")[2].split(":")
        s = socket.create_connection((proxy[0], int(proxy[1])), 5)
        s.settimeout(8)
        s.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, target)).encode())
        status = int(s.recv(64).split()[1])
        if status == 200:  # said before the proxy has read whom the handshake asks for, and has gone there
            try:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.wrap_socket(s, server_hostname=target.rpartition(":")[0])
            except OSError:
                return 503
        return status
    except (OSError, IndexError, ValueError) as error:
        return type(error).__name__

def entry(path):
    try:
        s = os.stat(path)
    except OSError as error:
        return {"error": type(error).__name__}
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize if room.f_favail or not room.f_files else 0
    return {"uid": s.st_uid, "gid": s.st_gid, "mode": stat.S_IMODE(s.st_mode), "free": free}

def login(path):
    found = entry(path)
    try:
        data = json.load(open(path))["claudeAiOauth"]
        tokens = [data.get("accessToken"), data.get("refreshToken")]
        found["digests"] = [hashlib.sha256(t.encode()).hexdigest() for t in tokens if t]
        if not abs(data["expiresAt"]) < 2.5e14:  # past the year 9999, or no number at all
            raise ValueError("no time")
        found["expires"], found["refreshable"] = data["expiresAt"] / 1000, bool(data.get("refreshToken"))
        found["allowed"] = "user:inference" in (data.get("scopes") or ())  # as claude-login says it
    except FileNotFoundError:
        return None
    except Exception as error:
        found["error"] = type(error).__name__
    return found

def limits():
    try:
        c = http.client.HTTPConnection("127.0.0.1", 4000, timeout=4)
        c.request("GET", "/health/readiness")
        return json.load(c.getresponse()).get("limits")
    except (OSError, ValueError):
        return None

def packages():
    normal = lambda name: name.lower().replace("_", "-").replace(".", "-")
    return {normal(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()}

with concurrent.futures.ThreadPoolExecutor(32) as pool:
    keys = {name: pool.submit(status, key) for name, key in ask["keys"].items()}
    way = pool.submit(ways)
    tunnels = {name: pool.submit(tunnel, target) for name, target in ask["tunnels"].items()}
    reached = {a: pool.submit(answers, a, p) for a, p in ask["neighbours"]}
    named = {n: pool.submit(resolves, n) for n in ask["names"]}
    out = {"packages": packages() if ask["packages"] else {}, "ways": way.result(), "limits": limits()}
    for name, futures in (("keys", keys), ("tunnels", tunnels), ("neighbours", reached), ("names", named)):
        out[name] = {key: future.result() for key, future in futures.items()}
out["volume"], out["login"] = entry(ask["folder"]), login(ask["folder"] + "/.credentials.json")
print(json.dumps(out))
"""


@dataclass(frozen=True)
class Inside:
    """Answers from LiteLLM's container. Statuses are numbers, or the name of the error that stood in their way."""

    keys: Mapping[str, int | str]
    ways: list[str]
    """Next hops of default routes that somebody answers for."""
    volume: Mapping[str, Any]
    login: Mapping[str, Any] | None
    packages: Mapping[str, str]
    tunnels: Mapping[str, int | str]
    neighbours: Mapping[str, bool]
    names: Mapping[str, bool]
    limits: str | None = None
    """For whom limits are counted, where there are several replicas (front/app.py)."""


@dataclass(frozen=True)
class Process:
    """A process in a container: its number and command's name, effective user and effective capabilities."""

    pid: int
    command: str
    uid: int
    capabilities: int
    no_new_privileges: bool = False
    """Can it, and what it starts, never get more rights than it has (prctl(2), PR_SET_NO_NEW_PRIVS)?"""


def questions(declaration: Declaration, networks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what to ask from inside LiteLLM's container; ``networks`` is what the engine says of the stack's."""
    litellm = declaration.containers["litellm"].environment
    bridges = [
        str(config["Gateway"]).partition("/")[0]
        for network in networks.values()
        for config in network["IPAM"]["Config"] or []
        if config.get("Gateway")
    ]
    name, port = declaration.settings.upstream
    fast = not declaration.complete
    return {
        "packages": not fast,
        "keys": {
            "none": None,
            "current": declaration.key,
            "wrong": "sk-" + "0" * 64,
            "malformed": "not-a-key",
            "sk-1234": "sk-1234",
            DEVELOPMENT_KEY: DEVELOPMENT_KEY,
            **(
                {"previous": litellm["LITELLM_PREVIOUS_MASTER_KEY"]} if "LITELLM_PREVIOUS_MASTER_KEY" in litellm else {}
            ),
        },
        "neighbours": [] if fast else [(address, 22) for address in sorted({*bridges, DEFAULT_BRIDGE})],
        "names": [] if fast else [name, REFUSED],
        "tunnels": {}
        if fast
        else {
            "allowed": f"{name}:{port}",
            "other name": f"{REFUSED}:443",
            "other port": f"{name}:22",
            "metadata address": f"{METADATA}:443",
            "public address": f"{PUBLIC}:443",
        },
        "folder": CLAUDE_CONFIG_DIR,
    }


def look(engine: Engine, container: str, asked: Mapping[str, Any]) -> Inside:
    """Asks ``asked`` inside the container.

    Raises:
        EngineError: when nothing can be run in it.
    """
    out = json.loads(engine.run("exec", "-i", container, PYTHON, "-I", "-c", SCRIPT, stdin=json.dumps(asked)))
    return Inside(**out)


def processes(engine: Engine, container: str) -> list[Process]:
    """Returns the processes of a container, those that people started with ``docker exec`` too.

    Another ``docker exec``, one of these checks for instance, shows for an instant as root and with all capabilities,
    before it becomes what it was asked for. So what looks like that is looked at a second time.
    """
    found = _processes(engine, container)
    if any(process.command.startswith(RUNC_INIT) for process in found):
        time.sleep(POLL_SECONDS)
        before = set(found)
        found = [p for p in _processes(engine, container) if not p.command.startswith(RUNC_INIT) or p in before]
    return found


def _processes(engine: Engine, container: str) -> list[Process]:
    script = (
        "for p in /proc/[0-9]*; do "
        'read -r name 2>/dev/null <"$p/comm" && uid= && caps= && nnp= && while read -r field first second _; do '
        "case $field in Uid:) uid=$second;; CapEff:) caps=$first;; NoNewPrivs:) nnp=$first;; esac; "
        'done 2>/dev/null <"$p/status" && echo "${p#/proc/} $uid $caps $nnp $name"; done; true'
    )
    lines = (line.split(maxsplit=4) for line in engine.run("exec", container, "sh", "-c", script).splitlines())
    return [Process(int(w[0]), w[4], int(w[1]), int(w[2], 16), w[3] == "1") for w in lines if len(w) == 5]
