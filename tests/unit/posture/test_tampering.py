"""Each field of a running container that a check of section 5 or of the drift looks at, changed by hand."""

from typing import Any

import pytest

from posture.inside import Process
from tests.unit.posture.conftest import INSPECTED, KEY, Make
from tests.unit.posture.test_checks import changed, status

VOLUME = {"Type": "volume", "Name": "x", "Destination": "/x"}
LIMITS = INSPECTED["HostConfig"]["Ulimits"]


def logging(**options: str) -> dict[str, Any]:
    return {"Type": "json-file", "Config": {"max-size": "10m", **options}}


FAILS: list[tuple[str, Any, str]] = [
    # CIS Docker Benchmark v1.6.0, by item
    ("Config.User", "", "cis.4.1"),
    ("Config.User", "0:13", "cis.4.1"),
    ("Config.User", "root", "cis.4.1"),
    ("HostConfig.CapAdd", ["NET_ADMIN"], "cis.5.4"),
    ("HostConfig.CapDrop", None, "cis.5.4"),
    ("HostConfig.CapDrop", ["CHOWN"], "cis.5.4"),
    ("HostConfig.Privileged", True, "cis.5.5"),
    ("Mounts", [{"Type": "bind", "Source": "/etc", "Destination": "/x"}], "cis.5.6"),
    ("HostConfig.NetworkMode", "host", "cis.5.10"),
    ("HostConfig.Memory", 0, "cis.5.11"),
    ("HostConfig.NanoCpus", 0, "cis.5.12"),
    ("HostConfig.ReadonlyRootfs", False, "cis.5.13"),
    ("HostConfig.RestartPolicy", {"Name": "always"}, "cis.5.15"),
    ("HostConfig.PidMode", "host", "cis.5.16"),
    ("HostConfig.IpcMode", "host", "cis.5.17"),
    ("HostConfig.IpcMode", "shareable", "cis.5.17"),
    ("HostConfig.Devices", [{"PathOnHost": "/dev/kvm"}], "cis.5.18"),
    ("HostConfig.DeviceRequests", [{"Driver": "nvidia"}], "cis.5.18"),
    ("HostConfig.DeviceCgroupRules", ["a *:* rwm"], "cis.5.18"),
    ("HostConfig.Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 1}], "cis.5.19"),
    ("HostConfig.Ulimits", None, "cis.5.19"),
    ("HostConfig.SecurityOpt", ["no-new-privileges:true", "seccomp:unconfined"], "cis.5.22"),
    ("HostConfig.SecurityOpt", ["seccomp=unconfined"], "cis.5.22"),
    ("HostConfig.CgroupParent", "/other", "cis.5.25"),
    ("HostConfig.SecurityOpt", [], "cis.5.26"),
    ("HostConfig.SecurityOpt", ["no-new-privileges:false"], "cis.5.26"),
    ("Config.Healthcheck", {"Test": ["NONE"]}, "cis.5.27"),
    ("Config.Healthcheck", None, "cis.5.27"),
    ("State.Health", {"Status": "unhealthy"}, "cis.5.27"),
    ("State.Health", None, "cis.5.27"),
    ("Config.Image", "egress@sha512:0", "cis.5.28"),
    ("HostConfig.Ulimits", [], "cis.5.29"),
    ("NetworkSettings.Networks", {"net": {}, "bridge": {}}, "cis.5.30"),
    ("NetworkSettings.Networks", {"host": {}}, "cis.5.30"),
    ("HostConfig.UsernsMode", "host", "cis.5.31"),
    ("Mounts", [{**VOLUME, "Source": "/run/docker.sock"}], "cis.5.32"),
    ("Mounts", [{**VOLUME, "Destination": "/var/run/docker.sock"}], "cis.5.32"),
    # what Pulumi declared
    ("Id", "another", "drift.containers"),
    ("State.Status", "paused", "drift.containers"),
    ("Config.Env", ["A=c", "PATH=/bin", "EGRESS_ALLOW=a.b"], "drift.environment"),
    ("Config.Env", ["PATH=/bin", "EGRESS_ALLOW=a.b"], "drift.environment"),
    ("Config.Env", ["A=b", "PATH=/bin", "EGRESS_ALLOW=a.b", "LD_PRELOAD=/x"], "drift.environment"),
    ("Config.Labels", {"litellm-claude.stack": "other", "of.the": "image"}, "drift.labels"),
    ("Config.Labels", None, "drift.labels"),
    ("Image", "sha256:" + "b" * 64, "drift.image"),
    ("Config.User", "1:2", "drift.process"),
    ("Config.Hostname", "other", "drift.process"),
    ("Config.Entrypoint", ["sh"], "drift.process"),
    ("Config.Cmd", ["-c"], "drift.process"),
    ("Config.WorkingDir", "/x", "drift.process"),
    ("Config.Healthcheck", {"Test": ["CMD", "true"]}, "drift.process"),
    ("Mounts", [VOLUME], "drift.mounts"),
    ("HostConfig.ReadonlyRootfs", False, "drift.mounts"),
    ("HostConfig.Tmpfs", {"/x": "rw"}, "drift.mounts"),
    ("NetworkSettings.Networks", {"net": {}, "more": {}}, "drift.networks"),
    ("NetworkSettings.Networks", {}, "drift.networks"),
    ("HostConfig.CapAdd", ["CHOWN"], "drift.privileges"),
    ("HostConfig.CapDrop", [], "drift.privileges"),
    ("HostConfig.SecurityOpt", None, "drift.privileges"),
    ("HostConfig.IpcMode", "host", "drift.privileges"),
    ("HostConfig.Dns", ["1.1.1.1"], "drift.privileges"),
    ("HostConfig.OomKillDisable", True, "drift.privileges"),
    ("HostConfig.AutoRemove", True, "drift.privileges"),
    ("HostConfig.ExtraHosts", ["a:1.1.1.1"], "drift.privileges"),
    ("HostConfig.Links", ["a"], "drift.privileges"),
    ("HostConfig.MaskedPaths", [], "drift.privileges"),  # systempaths=unconfined
    ("HostConfig.ReadonlyPaths", None, "drift.privileges"),  # privileged
    ("HostConfig.Memory", (256 << 20) + 1, "drift.limits"),
    ("HostConfig.Memory", (256 << 20) - 1, "drift.limits"),
    ("HostConfig.MemorySwap", -1, "drift.limits"),
    ("HostConfig.MemorySwap", 512 << 20, "drift.limits"),
    ("HostConfig.NanoCpus", 10**9 + 1, "drift.limits"),
    ("HostConfig.NanoCpus", 10**9 - 1, "drift.limits"),
    ("HostConfig.RestartPolicy", {"Name": "no"}, "drift.limits"),
    ("HostConfig.Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 2}], "drift.limits"),
    ("HostConfig.LogConfig", {"Type": "json-file", "Config": {"max-size": "1g"}}, "drift.limits"),
    ("HostConfig.LogConfig", {"Type": "json-file", "Config": None}, "drift.limits"),
    *(("HostConfig.LogConfig", logging(**{name: "LITELLM_.*"}), "drift.limits") for name in ("env", "env-regex")),
    ("HostConfig.LogConfig", logging(tag="{{.Name}}{{.ContainerEnv}}"), "drift.limits"),
]
HOLDS: list[tuple[str, Any, str]] = [
    ("Config.User", "13", "cis.4.1"),
    ("HostConfig.IpcMode", "none", "cis.5.17"),
    ("HostConfig.SecurityOpt", ["no-new-privileges"], "cis.5.26"),
    ("HostConfig.SecurityOpt", ["no-new-privileges=true"], "cis.5.26"),
    ("HostConfig.UsernsMode", "", "cis.5.31"),
    ("HostConfig.Dns", [], "drift.privileges"),
    ("HostConfig.MaskedPaths", ["/proc/asound"], "drift.privileges"),
    ("HostConfig.OomKillDisable", False, "drift.privileges"),
    ("Config.Image", "egress@sha256:0", "cis.5.28"),
    ("Mounts", [VOLUME], "cis.5.6"),
    # what an engine adds of its own accord: daemon.json's log-opts and default-ulimits
    ("HostConfig.LogConfig", logging(compress="true", labels="team", tag="{{.Name}}"), "drift.limits"),
    ("HostConfig.Ulimits", [*LIMITS, {"Name": "core", "Soft": 0, "Hard": 0}], "drift.limits"),
]


def tampered(make: Make, path: str, value: Any) -> Any:
    def change(found: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place = found["egress"]
        for parent in parents:
            place = place[parent]
        place[last] = value

    return make(change)


@pytest.mark.parametrize(("path", "value", "id_"), FAILS)
def test_a_field_that_was_changed_by_hand_is_found(make: Make, path: str, value: Any, id_: str) -> None:
    assert status(make(), id_) != "fail"
    assert status(tampered(make, path, value), id_) == "fail"


@pytest.mark.parametrize(("path", "value", "id_"), HOLDS)
def test_what_means_the_same_is_no_change(make: Make, path: str, value: Any, id_: str) -> None:
    assert status(tampered(make, path, value), id_) == "pass"


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


@pytest.mark.parametrize(
    ("state", "expected"), [("inactive", "pass"), ("active", "fail"), ("pending", "fail"), ("locked", "fail")]
)
def test_swarm_mode_is_told(make: Make, state: str, expected: str) -> None:
    assert status(make(engine={"Swarm": {"LocalNodeState": state}}), "cis.5.1") == expected


@pytest.mark.parametrize("env", [{"ANTHROPIC_API_KEY": KEY}, {"ANTHROPIC_API_KEY": "x"}])
def test_a_credential_beside_the_login_is_found(make: Make, env: dict[str, str]) -> None:
    assert status(make(), "login.separate") == "pass"
    assert status(make(env=env), "login.separate") == "fail"
