"""Engines and shells with which a stack does not work, by what `docker version` and `docker info` print of them."""

import json
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import preflight, room
from ops.commands import OperationError
from ops.engine import Engine
from ops.preflight import Wanted, faults, free_pools
from ops.room import Work
from rules.container import environment_fault
from rules.sizes import MIB

WANT = Wanted("prod")
INFO: dict[str, Any] = {
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "MemTotal": 25_276_502_016,
    "NCPU": 2,
    "SecurityOptions": ["name=seccomp,profile=default"],
    "DefaultAddressPools": None,
}
ROOTLESS = {**INFO, "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}
DESKTOP = {**INFO, "OperatingSystem": "Docker Desktop", "Name": "docker-desktop"}
PODMAN = {"Version": "5.4.2", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}]}


def server(version: str, **more: Any) -> dict[str, Any]:
    return {"Server": {"Version": version, "Platform": {"Name": ""}, "Components": [{"Name": "Engine"}], **more}}


def said(
    version: str = "28.5.2",
    info: dict[str, Any] | None = None,
    want: Wanted = WANT,
    subnets: tuple[str, ...] = (),
    **environment: str,
) -> list[str]:
    return list(faults(want, server(version), info or INFO, subnets, environment))


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "26.1.5+dfsg1", "28.5.2", "29.1.1", "v2.0.0-beta.24", "dev"])
def test_engines_that_work_are_passed_in_silence(version: str) -> None:
    assert said(version) == []


@pytest.mark.parametrize("version", ["18.09.1", "19.03.15", "20.9.9"])
def test_an_old_engine_is_named(version: str) -> None:
    (sentence,) = said(version)
    assert sentence.startswith(f"the engine is Docker {version}; 20.10 is the oldest that works")
    assert "dockerHost ssh://USER@HOST --stack prod" in sentence


@pytest.mark.parametrize(("limits", "count"), [(True, 0), (False, 1)])
def test_a_kernel_that_limits_no_memory_is_refused(limits: bool, count: int) -> None:
    """As Raspberry Pi OS comes: posture refused each update, with a fix that changed nothing."""
    sentences = said("28.5.2", {**INFO, "MemoryLimit": limits})
    assert len(sentences) == count
    assert all("cgroup_enable=memory cgroup_memory=1" in sentence for sentence in sentences)


def test_the_release_whose_names_do_not_resolve_is_refused() -> None:
    (sentence,) = said("29.1.0")
    assert "29.1.1 is fixed" in sentence


@pytest.mark.parametrize(
    ("version", "info", "kind"),
    [
        (server("28.5.2"), ROOTLESS, "a rootless engine"),
        (server("28.5.2", Platform={"Name": "Docker Desktop 4.45.0 (203075)"}), INFO, "Docker Desktop"),
        (server("28.5.2"), DESKTOP, "Docker Desktop"),
        ({"Server": PODMAN}, INFO, "Podman"),
    ],
)
def test_where_every_client_looks_like_the_host_the_host_is_not_admitted_to_open_ports(
    version: dict[str, Any], info: dict[str, Any], kind: str
) -> None:
    exposed = Wanted("prod", allow_host=True, loopback=False)
    (sentence,) = faults(exposed, version, info, [], {})
    assert sentence.startswith(f"on {kind} every client arrives from the bridge's own address")
    assert "pulumi config set allowHost false --stack prod" in sentence
    for harmless in (Wanted("prod", allow_host=True), Wanted("prod", loopback=False)):
        assert list(faults(harmless, version, info, [], {})) == []


def test_an_old_builder_chosen_in_the_shell_is_refused_where_there_is_a_new_one() -> None:
    (sentence,) = said(DOCKER_BUILDKIT="0")
    assert "unset DOCKER_BUILDKIT" in sentence
    assert said("20.10.24", DOCKER_BUILDKIT="0") == said(DOCKER_BUILDKIT="1") == []


def test_limits_that_the_machine_cannot_keep_are_refused_with_those_that_it_can() -> None:
    small = {**INFO, "MemTotal": 2048 * MIB}
    (sentence,) = said(info=small)
    assert "4352 MiB together: under load" in sentence
    assert "Fix: a machine with 2545 MiB or more: pulumi config set dockerHost ssh://USER@HOST --stack prod" in sentence
    (sentence,) = said(info=small, want=Wanted("prod", work=Work(processes=0)))  # an API key needs no CLI
    assert "Fix: pulumi config set litellmMemoryMib 768 --stack prod" in sentence
    (sentence,) = said(info={**INFO, "NCPU": 1})
    assert "pulumi config set litellmCpus 1 --stack prod" in sentence


@given(st.integers(512, 20_000), st.integers(1, 256), st.integers(0, 64), st.integers(1, 256))
def test_what_is_told_about_memory_is_what_the_container_takes(
    memory_mib: int, processes: int, warm: int, request_mib: int
) -> None:
    work = Work(processes, min(warm, processes), request_mib)
    told = room.settings(memory_mib, work)
    variables = {
        "LITELLM_MASTER_KEY": "sk-x",
        "GATEWAY_MODELS": '{"sonnet": "claude"}',
        "MAX_REQUEST_BYTES": str(request_mib * MIB),
        "MEMORY_MIB": str(memory_mib),
    }

    def fits(maximum: int, kept: int) -> bool:
        more = {"CLAUDE_MAX_CONCURRENCY": str(maximum), "CLAUDE_WARM_PROCESSES": str(kept)}
        return environment_fault({**variables, **more}) is None

    if told is None:
        assert not fits(1, 0)
        assert memory_mib < room.least(work)
        return
    maximum = told.get("claudeMaxConcurrency", processes)
    assert fits(maximum, told.get("claudeWarmProcesses", work.warm))
    assert maximum == processes or not fits(maximum + 1, 0)


def test_the_memory_of_all_replicas_is_added_up() -> None:
    machine = {**INFO, "MemTotal": 6144 * MIB}
    assert said(info=machine) == []
    (sentence,) = said(info=machine, want=Wanted("prod", replicas=2, beside_mib=1376))
    assert "7520 MiB together (2 replicas of 3072 MiB, and 1376 MiB)" in sentence
    assert "Fix: pulumi config set replicas 1 --stack prod, or pulumi config set claudeMaxConcurrency 3" in sentence
    assert sentence.endswith(" && pulumi config set litellmMemoryMib 2384 --stack prod")
    (sentence,) = said(info={**INFO, "MemTotal": 3072 * MIB}, want=Wanted("prod", replicas=2, beside_mib=1376))
    assert sentence.endswith("Fix: pulumi config set replicas 1 --stack prod")
    assert said(info=machine, want=Wanted("prod", memory_mib=2384, replicas=2, beside_mib=1376)) == []


def test_an_engine_without_addresses_for_the_networks_is_told_how_to_get_some() -> None:
    used = (*(f"172.{number}.0.0/16" for number in range(17, 32)), "192.168.0.0/19", "192.168.32.0/24", "fd00::/64")
    assert free_pools(INFO, used) == 13
    full = (*used, *(f"192.168.{number}.0/20" for number in range(48, 240, 16)))
    (sentence,) = said(subnets=full)
    assert "the stack needs 4 networks, and the engine has addresses for 1 more. Fix: docker network prune" in sentence
    assert said(subnets=full, want=Wanted("prod", new_networks=1)) == []
    own = {**INFO, "DefaultAddressPools": [{"Base": "10.10.0.0/16", "Size": 24}, {"Base": "fd01::/60", "Size": 64}]}
    assert free_pools(own, ["10.10.1.0/24"]) == 255


def test_an_engines_pools_are_counted_however_large_they_are() -> None:
    """fd00::/8 has 2 to the power of 56 networks of 64 bits, each of which was looked at."""
    pools = [{"Base": "fd00::/8", "Size": 64}, {"Base": "10.0.0.1/8", "Size": 29}]
    assert free_pools({**INFO, "DefaultAddressPools": pools}, ["10.0.0.0/29", "10.0.0.4/30", "10.1.0.0/16"]) == (
        2**21 - 1 - 2**13
    )


@given(
    st.integers(16, 24),
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(0, 2**17 - 1), st.integers(15, 30)), max_size=6),
)
def test_what_is_left_of_a_pool_is_what_overlaps_nothing(prefix: int, bits: int, taken: list[tuple[int, int]]) -> None:
    base, start = ip_network(f"10.0.0.0/{prefix}"), int(ip_address("10.0.0.0"))
    used = [ip_network((start + offset, length), strict=False) for offset, length in taken]
    left = [one for one in base.subnets(bits) if not any(one.overlaps(other) for other in used)]
    info = {**INFO, "DefaultAddressPools": [{"Base": str(base), "Size": prefix + bits}]}
    assert free_pools(info, map(str, used)) == len(left)


def test_an_engine_that_manages_no_swarm_is_told_how_it_gets_one() -> None:
    want = Wanted("prod", memory_mib=999_999, cpus=99, replicas=3, swarm=True)
    (sentence,) = said(info={**INFO, "Swarm": {"LocalNodeState": "inactive", "ControlAvailable": False}}, want=want)
    assert "orchestrator: the engine manages no Swarm. Fix: docker swarm init" in sentence
    assert "pulumi config set dockerHost ssh://USER@MANAGER --stack prod" in sentence
    assert said(info=INFO, want=want) != []
    manages = {**INFO, "Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}
    assert said(info=manages, want=want) == [], "where there is room for it is known to its scheduler"


BUSY = (
    "{litellm-claude:litellmMemoryMib: '512', litellm-claude:litellmCpus: '0.5', "
    "litellm-claude:allowHost: true, litellm-claude:bindAddresses: ['::1', 0.0.0.0]}"
)


MANY = (
    "{litellm-claude:claudeMaxConcurrency: 8, litellm-claude:claudeWarmProcesses: '3', litellm-claude:maxRequestMib: 8}"
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("{}", Wanted("prod", new_networks=1)),
        (
            BUSY,
            Wanted("prod", 512, 0.5, allow_host=True, loopback=False, new_networks=1),
        ),
        ("{litellm-claude:litellmCpus: many}", Wanted("prod", new_networks=1)),
        ("{litellm-claude:replicas: '0', litellm-claude:claudeMaxConcurrency: -1}", Wanted("prod", new_networks=1)),
        ("{litellm-claude:claudeWarmProcesses: 0}", Wanted("prod", new_networks=1, work=Work(warm=0))),
        ("{litellm-claude:anthropicApiKey: {secure: x}}", Wanted("prod", new_networks=1, work=Work(processes=0))),
        (MANY, Wanted("prod", new_networks=1, work=Work(8, 3, 8))),
        ("{litellm-claude:tls: acme}", Wanted("prod", new_networks=4, beside_mib=1792)),
        ("{litellm-claude:orchestrator: swarm}", Wanted("prod", new_networks=0, swarm=True)),
        ("{litellm-claude:replicas: '2'}", Wanted("prod", new_networks=2, replicas=2, beside_mib=1376)),
        (
            "{litellm-claude:replicas: 3, litellm-claude:tls: acme}",
            Wanted("prod", new_networks=5, replicas=3, beside_mib=1888),
        ),
    ],
)
def test_what_a_stack_asks_for_is_read_from_its_file(tmp_path: Path, settings: str, expected: Wanted) -> None:
    (tmp_path / "Pulumi.yaml").write_text("config:\n  bindAddresses: {type: array, default: [127.0.0.1]}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(f"config: {settings}\n")
    assert preflight.wanted("prod", tmp_path, 3) == expected


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    answers = {
        "version": json.dumps(server("29.1.0")),
        "info": json.dumps({**INFO, "NCPU": 1, "DefaultAddressPools": [{"Base": "10.1.0.0/24", "Size": 24}]}),
        "network": json.dumps({"IPAM": {"Config": [{"Subnet": "10.1.0.0/24"}, {"Gateway": "10.1.0.1"}]}}),
    }

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        text = "one\n" if command[3:5] == ["network", "ls"] else answers[command[3]]
        return subprocess.CompletedProcess(command, 0, text, "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(OperationError) as refusal:
        preflight.refuse("prod", Engine(), 0)
    assert str(refusal.value).count("\nerror: ") == 2
    answers |= {"version": json.dumps(server("28.5.2")), "info": json.dumps(INFO)}
    preflight.refuse("prod", Engine(), 4)
