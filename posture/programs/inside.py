"""What LiteLLM's container can reach, who it admits, and what is in it.

What is asked stands as JSON on standard input, so that no key is in an argument. The answers, JSON too, hold no secret.
"""

import hashlib
import http.client
import importlib.metadata
import json
import os
import socket
import ssl
import stat
import struct
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

LITELLM = ("127.0.0.1", 4000)
SECONDS = 30
"""How long LiteLLM may take: on a machine that is busy it answers late, and is none the less secure for it."""
NEXT_HOP_SECONDS = 0.7
"""Who is on the wire answers at once; after a second the kernel would ask by ARP again (arp(7))."""
NAME_SECONDS = 2.5
"""The engine answers by itself; half of what a resolver waits for one try (resolv.conf(5))."""
PROXY_SECONDS = 5
"""For a connection to the proxy, which is in the same network (as squid.conf has it for its own peer)."""
TUNNEL_SECONDS = 8
"""For what it says: less than the 10 s that Squid waits for a server."""
EMBEDDED_DNS = ("127.0.0.11", 53)
DISCARD_PORT = 9
DESTINATION, GATEWAY = 1, 2  # columns of /proc/net/route
NOWHERE = "00000000"
NO_TIME = 2.5e14
"""Milliseconds since 1970 beyond the year 9999."""


def status(key: str | None) -> int | str:
    """What LiteLLM answers a request for its models with this key."""
    try:
        connection = http.client.HTTPConnection(*LITELLM, timeout=SECONDS)
        connection.request("GET", "/v1/models", headers={} if key is None else {"authorization": "Bearer " + key})
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__


def answering_default_routes() -> list[str]:
    """Next hops of default routes that are ways out: somebody must answer for one on the wire (ARP)."""
    routes = [line.split() for line in Path("/proc/net/route").read_text().splitlines()]
    default = [word[GATEWAY] for word in routes if word[DESTINATION] == NOWHERE and word[GATEWAY] != NOWHERE]
    hops = [socket.inet_ntoa(struct.pack("<I", int(address, 16))) for address in default]
    for hop in hops:
        answers(hop, DISCARD_PORT)
    known = [line.split() for line in Path("/proc/net/arp").read_text().splitlines()]
    out = [hop for hop in hops if any(entry[0] == hop and entry[2] != "0x0" for entry in known)]
    try:
        routes = [line.split() for line in Path("/proc/net/ipv6_route").read_text().splitlines()]
    except OSError:
        return out
    return out + [f"IPv6 on {word[9]}" for word in routes if word[:2] == ["0" * 32, "00"] and word[9] != "lo"]


def answers(address: str, port: int) -> bool:
    """Whether somebody is there, who may also refuse."""
    try:  # a kernel without IPv6 has no such socket
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
            tried.settimeout(NEXT_HOP_SECONDS)
            tried.connect((address, port))
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def resolves(name: str) -> bool:
    """Whether Docker's embedded DNS has an address. Asked by hand, because the resolver waits 20 s."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(NAME_SECONDS)
        try:
            asked.sendto(b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01", EMBEDDED_DNS)
            return asked.recv(512)[6:8] != b"\0\0"
        except OSError:
            return False


def tunnel(target: str) -> int | str:
    """What the egress proxy says to a tunnel; 503 when it opens, and nobody is at its end."""
    try:
        proxy = os.environ["HTTPS_PROXY"].rpartition("/")[2].split(":")
        opened = socket.create_connection((proxy[0], int(proxy[1])), PROXY_SECONDS)
        opened.settimeout(TUNNEL_SECONDS)
        opened.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        said = int(opened.recv(64).split()[1])
    except (OSError, IndexError, ValueError) as error:
        return type(error).__name__
    if said != 200:
        return said
    # 200 is said before the proxy has read whom the handshake asks for, and has gone there.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_socket(opened, server_hostname=target.rpartition(":")[0])
    except OSError:
        return 503
    return said


def entry(path: str) -> dict[str, Any]:
    """Owner and mode of a file or folder, and how many bytes are free where it is."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as os.statvfs, which pathlib has not
    except OSError as error:
        return {"error": type(error).__name__}
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize if room.f_favail or not room.f_files else 0
    return {"uid": found.st_uid, "gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode), "free": free}


def login(path: str) -> dict[str, Any] | None:
    """The login's file, when it ends, and digests of its tokens; None when there is none."""
    found = entry(path)
    try:
        data = json.loads(Path(path).read_text())["claudeAiOauth"]
        tokens = [data.get("accessToken"), data.get("refreshToken")]
        found["digests"] = [hashlib.sha256(token.encode()).hexdigest() for token in tokens if token]
        if not abs(data["expiresAt"]) < NO_TIME:  # too late, or no number at all
            raise ValueError("no time")  # noqa: TRY301 - as damaged as any other
        found["expires"], found["refreshable"] = data["expiresAt"] / 1000, bool(data.get("refreshToken"))
        found["allowed"] = "user:inference" in (data.get("scopes") or ())  # as claude-login says it
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever stands in that file
        found["error"] = type(error).__name__
    return found


def limits() -> str | None:
    """For whom limits are counted, where there are several replicas."""
    try:
        connection = http.client.HTTPConnection(*LITELLM, timeout=SECONDS)
        connection.request("GET", "/health/readiness")
        counted: str | None = json.load(connection.getresponse()).get("limits")
    except (OSError, ValueError):
        return None
    return counted


def packages() -> dict[str, str]:
    """Names and versions of the Python packages."""
    installed = importlib.metadata.distributions()
    return {one.metadata["Name"].lower().replace("_", "-").replace(".", "-"): one.version for one in installed}


def look(ask: Mapping[str, Any]) -> dict[str, Any]:
    """All answers, by what posture/inside.py calls them."""
    with ThreadPoolExecutor(32) as pool:

        def each(probe: Callable[..., Any], asked: Mapping[str, tuple[Any, ...]]) -> dict[str, Future[Any]]:
            return {name: pool.submit(probe, *arguments) for name, arguments in asked.items()}

        begun = {
            "keys": each(status, {name: (key,) for name, key in ask["keys"].items()}),
            "tunnels": each(tunnel, {name: (target,) for name, target in ask["tunnels"].items()}),
            "neighbours": each(answers, {address: (address, port) for address, port in ask["neighbours"]}),
            "names": each(resolves, {name: (name,) for name in ask["names"]}),
        }
        routes = pool.submit(answering_default_routes)
        made = {what: {name: one.result() for name, one in futures.items()} for what, futures in begun.items()}
        return {
            **made,
            "packages": packages() if ask["packages"] else {},
            "default_routes": routes.result(),
            "limits": limits(),
            "volume": entry(ask["folder"]),
            "login": login(ask["folder"] + "/.credentials.json"),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(json.load(sys.stdin))))
