"""What kernels, engines and users may have that the recorded ones had not: limits of processes, SELinux, a login."""

from typing import Any

import pytest

from posture.inside import Process
from tests.unit.posture.conftest import KEY, Make
from tests.unit.posture.test_checks import changed, status


@pytest.mark.parametrize(
    ("counts", "memory", "expected"),
    [(True, 256, "fail"), (False, 256, "warn"), (False, 255, "fail")],
)
def test_a_kernel_that_counts_no_swap_is_told_from_a_limit_that_was_taken_away(
    make: Make, counts: bool, memory: int, expected: str
) -> None:
    """The engine makes containers without that limit there, so that the check could never pass."""

    def change(found: dict[str, Any]) -> None:
        for container in found.values():
            container["HostConfig"] |= {"Memory": memory << 20, "MemorySwap": -1}

    assert status(make(change, engine={"SwapLimit": counts}), "drift.limits") == expected


def test_a_process_limit_of_the_engine_is_better_than_one_of_the_user(make: Make) -> None:
    """CIS 5.29; 0 and -1 are no limit (docker run --pids-limit)."""

    def limit(number: int) -> str:
        def change(found: dict[str, Any]) -> None:
            for container in found.values():
                container["HostConfig"]["PidsLimit"] = number

        return status(make(change), "cis.5.29")

    assert [limit(number) for number in (-1, 0, 1, 100)] == ["exception", "exception", "pass", "pass"]


@pytest.mark.parametrize(
    ("engine", "option", "id_", "expected"),
    [
        ("selinux", [], "cis.5.3", "pass"),
        ("selinux", ["label:disable"], "cis.5.3", "fail"),
        ("other", ["label:disable"], "cis.5.3", "not-applicable"),
    ],
)
def test_selinux_is_not_switched_off(make: Make, engine: str, option: list[str], id_: str, expected: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["egress"]["HostConfig"]["SecurityOpt"] = option

    assert status(make(change, engine={"SecurityOptions": [f"name={engine}"]}), id_) == expected


@pytest.mark.parametrize(("profile", "expected"), [("docker-default", "pass"), ("unconfined", "fail"), ("", "fail")])
def test_apparmors_profile_is_in_force(make: Make, profile: str, expected: str) -> None:
    def change(found: dict[str, Any]) -> None:
        for container in found.values():
            container["AppArmorProfile"] = "docker-default"
        found["egress"]["AppArmorProfile"] = profile

    assert status(make(change, engine={"SecurityOptions": ["name=apparmor"]}), "cis.5.2") == expected


@pytest.mark.parametrize(
    ("process", "failing"),
    [
        (Process(1, "squid", 13, 0), set()),
        (Process(1, "squid", 1, 0), set()),
        (Process(7, "sh", 0, 0), {"cis.5.24"}),
        (Process(7, "sh", 13, 1), {"cis.5.23"}),
        (Process(7, "sshd", 13, 0), {"cis.5.7"}),
        (Process(7, "dropbear", 0, 0xFF), {"cis.5.7", "cis.5.23", "cis.5.24"}),
    ],
)
def test_what_runs_in_a_container_has_no_rights_and_is_no_remote_shell(
    make: Make, process: Process, failing: set[str]
) -> None:
    context = make(processes={"egress": [process]})
    assert {id_ for id_ in ("cis.5.7", "cis.5.23", "cis.5.24") if status(context, id_) == "fail"} == failing


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"uid": 10001, "mode": 0o700}, "pass"),
        ({"uid": 10001, "mode": 0o701}, "fail"),
        ({"uid": 10001, "mode": 0o710}, "fail"),
        ({"uid": 10001, "mode": 0o740}, "fail"),
        ({"uid": 10001, "mode": 0o704}, "fail"),
        ({"uid": 10000, "mode": 0o700}, "fail"),
        ({"uid": 10002, "mode": 0o700}, "fail"),
        ({"error": "FileNotFoundError"}, "fail"),
    ],
)
def test_the_login_belongs_to_litellms_user_alone(make: Make, found: dict[str, Any], expected: str) -> None:
    """images/litellm/Dockerfile: uid 10001; POSIX: the last six bits are the group's and the others'."""
    assert status(make(inside=changed(volume=found)), "login.volume-mode") == expected
    if "error" not in found:
        assert status(make(inside=changed(login=found)), "login.file-mode") == expected
    assert status(make(inside=changed(login=None)), "login.file-mode") == "not-applicable"


@pytest.mark.parametrize("env", [{"ANTHROPIC_API_KEY": KEY}, {"ANTHROPIC_API_KEY": "x"}])
def test_a_credential_beside_the_login_is_found(make: Make, env: dict[str, str]) -> None:
    assert status(make(), "login.separate") == "pass"
    assert status(make(env=env), "login.separate") == "fail"
