"""What of an engine or a shell does not work, and why: said at preview, before anything is replaced.

Pure decisions about what ``docker version``, ``docker info`` and ``docker network inspect`` print; a test holds
recorded answers of each kind of engine against them.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, collapse_addresses, ip_network
from pathlib import Path
from typing import Any

from ops import room
from ops.commands import OperationError
from ops.engine import Engine
from rules.sizes import MIB
from rules.stack_settings import setting

PODMAN = "Podman"
OLDEST = (20, 10)
BROKEN: dict[tuple[int, ...], str] = {(29, 1, 0): "its DNS does not resolve outside names on networks like ours"}
"""Releases that must not be used, and why."""
BUILDKIT = (23,)
"""The first release that builds with BuildKit of its own accord."""
BESIDE_LITELLM_MIB, MORE_WITH_ACME_MIB, MORE_WITH_REPLICAS_MIB = 1280, 512, 96
"""Limits of the other containers together, and room for the engine; those of lego and its proxy, and Valkey's."""
NETWORKS, MORE_WITH_ACME, MORE_WITH_REPLICAS = 4, 3, 1
POOLS = [
    *(ip_network(f"172.{number}.0.0/16") for number in range(17, 32)),
    *ip_network("192.168.0.0/16").subnets(new_prefix=20),
]
"""From what an engine without default-address-pools takes a network's addresses."""

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What the stack asks of its engine."""

    stack: str
    memory_mib: int = 3072
    cpus: float = 2
    allow_host: bool = False
    loopback: bool = True
    new_networks: int = NETWORKS
    replicas: int = 1
    beside_mib: int = BESIDE_LITELLM_MIB
    swarm: bool = False
    work: room.Work = field(default_factory=room.Work)


def wanted(stack: str, folder: Path, networks: int) -> Wanted:
    """Returns what the stack's file says; a value that Pulumi refuses counts as not set."""

    def number(name: str, otherwise: float, least: float = 1) -> float:
        try:
            found = float(setting(name, stack, folder))
        except (TypeError, ValueError):
            return otherwise
        return found if math.isfinite(found) and found >= least else otherwise

    given = setting("bindAddresses", stack, folder)
    addresses = given if isinstance(given, list) else []
    replicas = int(number("replicas", Wanted.replicas))
    swarm = setting("orchestrator", stack, folder) == "swarm"
    acme, several = setting("tls", stack, folder) == "acme", replicas > 1
    processes = int(number("claudeMaxConcurrency", room.Work.processes))
    more = acme * MORE_WITH_ACME + several * MORE_WITH_REPLICAS
    return Wanted(
        stack,
        memory_mib=int(number("litellmMemoryMib", Wanted.memory_mib)),
        cpus=number("litellmCpus", Wanted.cpus, 0),
        allow_host=str(setting("allowHost", stack, folder)).lower() == "true",
        loopback=all(str(address).startswith("127.") or str(address) == "::1" for address in addresses),
        new_networks=0 if swarm else max(0, NETWORKS + more - networks),  # a Swarm has addresses of its own
        replicas=replicas,
        beside_mib=sum((BESIDE_LITELLM_MIB, acme * MORE_WITH_ACME_MIB, several * MORE_WITH_REPLICAS_MIB)),
        swarm=swarm,
        work=room.Work(
            0 if setting("anthropicApiKey", stack, folder) else processes,
            int(number("claudeWarmProcesses", room.Work.warm, 0)),
            int(number("maxRequestMib", room.Work.request_mib)),
        ),
    )


def release(server: Answer) -> tuple[int, ...]:
    """Returns an engine's version as numbers, 20.10.24+dfsg1 is (20, 10, 24); none for another kind."""
    parts = str(server.get("Version", "")).split("-")[0].split("+")[0].split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def hides_clients(server: Answer, info: Answer) -> str | None:
    """Returns what kind of engine it is when every client looks like its bridge; None when addresses are kept."""
    if any("name=rootless" in option for option in info.get("SecurityOptions") or []):
        return "a rootless engine"
    if "Docker Desktop" in f"{info.get('OperatingSystem')} {(server.get('Platform') or {}).get('Name')}":
        return "Docker Desktop"
    if any("podman" in str(part.get("Name")).lower() for part in server.get("Components") or []):
        return PODMAN
    return None


def free_pools(info: Answer, subnets: Iterable[str]) -> int:
    """Returns how many more networks the engine has addresses for; those of the machine itself are not known here."""
    pools: list[tuple[Any, int]] = [(pool, pool.prefixlen) for pool in POOLS]
    if given := info.get("DefaultAddressPools"):
        pools = [(ip_network(pool["Base"], strict=False), int(pool["Size"])) for pool in given]
    taken = [network for text in subnets if isinstance(network := ip_network(text, strict=False), IPv4Network)]
    return sum(_free(pool, size, taken) for pool, size in pools if isinstance(pool, IPv4Network))


def _free(pool: IPv4Network, size: int, taken: Iterable[IPv4Network]) -> int:
    """Returns how many networks of ``size`` bits are left of ``pool``; counted, because a pool may have millions."""
    parts = (one if one.prefixlen <= size else one.supernet(new_prefix=size) for one in taken if one.overlaps(pool))
    used = collapse_addresses(pool if pool.subnet_of(part) else part for part in parts)
    return int(2 ** (size - pool.prefixlen) - sum(2 ** (size - part.prefixlen) for part in used))


def faults(
    want: Wanted, version: Answer, info: Answer, subnets: Iterable[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yields a sentence, with the command that fixes it, for each thing that does not work."""
    yield from _of_the_engine(want, version.get("Server") or {}, info, environment)
    if not want.swarm:
        yield from _of_the_machine(want, info, subnets)
    elif not (info.get("Swarm") or {}).get("ControlAvailable"):  # where its nodes have room, its scheduler finds out
        yield (
            f"orchestrator: the engine manages no Swarm. Fix: docker swarm init --advertise-addr ADDRESS, or name "
            f"one that does: pulumi config set dockerHost ssh://USER@MANAGER --stack {want.stack}"
        )


def _of_the_engine(want: Wanted, server: Answer, info: Answer, environment: Mapping[str, str]) -> Iterator[str]:
    found, kind, option = release(server), hides_clients(server, info), f"--stack {want.stack}"
    if found and found < OLDEST and kind != PODMAN:
        yield (
            f"the engine is Docker {server['Version']}; 20.10 is the oldest that works. Upgrade it, or choose another: "
            f"pulumi config set dockerHost ssh://USER@HOST {option}"
        )
    if reason := BROKEN.get(found):
        yield f"Docker {server['Version']} must not be used: {reason}. Upgrade it: 29.1.1 is fixed"
    if kind and want.allow_host and not want.loopback:
        yield (
            f"on {kind} every client arrives from the bridge's own address, so that allowHost would admit all. "
            f"Fix: pulumi config set allowHost false {option}"
        )
    if environment.get("DOCKER_BUILDKIT") == "0" and found >= BUILDKIT:
        yield (
            "DOCKER_BUILDKIT=0 in this shell chooses the builder that Docker has given up; its images are others. "
            "Fix: unset DOCKER_BUILDKIT"
        )


def _of_the_machine(want: Wanted, info: Answer, subnets: Iterable[str]) -> Iterator[str]:
    if info.get("MemoryLimit") is False:
        yield (
            "the kernel of the engine's machine limits no memory, so that one client could take all of it. Fix: add "
            "cgroup_enable=memory cgroup_memory=1 to its command line (on a Raspberry Pi /boot/firmware/cmdline.txt), "
            "and boot it"
        )
    total, beside, option = int(info.get("MemTotal") or 0) // MIB, want.beside_mib, f"--stack {want.stack}"
    if total and (together := want.replicas * want.memory_mib + beside) > total:
        each = f" ({want.replicas} replicas of {want.memory_mib} MiB, and {beside} MiB)" if want.replicas > 1 else ""
        ways = [f"pulumi config set replicas {want.replicas - 1} {option}"] if want.replicas > 1 else []
        if smaller := room.settings((total - beside) // want.replicas, want.work):
            ways.append(" && ".join(f"pulumi config set {name} {value} {option}" for name, value in smaller.items()))
        elif not ways:
            needed = beside + room.least(want.work)
            ways.append(f"a machine with {needed} MiB or more: pulumi config set dockerHost ssh://USER@HOST {option}")
        yield (
            f"the engine's machine has {total} MiB of memory, and the containers' limits are {together} MiB "
            f"together{each}: under load the kernel would kill one of them. Fix: {', or '.join(ways)}"
        )
    processors = int(info.get("NCPU") or 0)
    if processors and want.cpus > processors:
        yield (
            f"the engine's machine has {processors} processors, and litellmCpus is {want.cpus:g}. "
            f"Fix: pulumi config set litellmCpus {processors} {option}"
        )
    if want.new_networks > (free := free_pools(info, subnets)):
        yield (
            f"the stack needs {want.new_networks} networks, and the engine has addresses for {free} more. "
            "Fix: docker network prune (removes unused networks), or give the engine more default-address-pools"
        )


def refuse(stack: str, engine: Engine, networks: int) -> None:
    """Stops when the engine or the shell cannot run the stack; ``networks`` is how many of its own exist.

    Raises:
        OperationError: with a sentence for each reason.
    """
    (version,) = engine.objects("version", "--format", "{{json .}}") or [{}]
    (info,) = engine.objects("info", "--format", "{{json .}}") or [{}]
    want = wanted(stack, Path(), networks)
    subnets: list[str] = []
    if want.new_networks:
        names = engine.run("network", "ls", "--quiet").stdout.split()
        ipam = [entry.get("IPAM") or {} for entry in engine.inspect("network", names)]
        subnets = [part["Subnet"] for one in ipam for part in one.get("Config") or [] if part.get("Subnet")]
    if sentences := list(faults(want, version, info, subnets, os.environ)):
        raise OperationError("\nerror: ".join(sentences))
