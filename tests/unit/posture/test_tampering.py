"""Each thing that engines say of a stack and that a check looks at, changed by hand: what is found, and nothing else.

It is changed in what engines of several versions really said of a production stack (tests/unit/recorded).
"""

import pytest

from posture.model import REGISTRY
from testbed.recording import Recording, recordings
from tests.unit.posture.recorded import BEYOND, outcomes
from tests.unit.tamperings import (
    Tampering,
    another_certificate,
    container,
    declared_image,
    engine,
    image_of,
    inside,
    joined,
    later,
    logged_in,
    made_anew,
    network,
    printed,
    replaced,
    secret_at,
    variables,
)

PRODUCTION = [one for one in recordings() if one.name.endswith("production")]
UNTOUCHED: dict[str, dict[str, str]] = {}
VOLUME = {"Type": "volume", "Name": "x", "Destination": "/x"}
TAMPERINGS: list[tuple[Tampering, str]] = [
    # CIS Docker Benchmark v1.6.0, by item
    (container("Config.User", ""), "cis.4.1 drift.process"),
    (container("Config.User", "0:13"), "cis.4.1 drift.process"),
    (container("Config.User", "root"), "cis.4.1 drift.process"),
    (engine("Swarm.LocalNodeState", "active"), "cis.5.1"),
    (engine("Swarm.LocalNodeState", "pending"), "cis.5.1"),
    (engine("Swarm.LocalNodeState", "locked"), "cis.5.1"),
    (container("HostConfig.CapAdd", ["NET_ADMIN"]), "cis.5.4 drift.privileges"),
    (container("HostConfig.CapDrop", None), "cis.5.4 drift.privileges"),
    (container("HostConfig.CapDrop", ["CHOWN"]), "cis.5.4 drift.privileges"),
    (container("HostConfig.Privileged", True), "cis.5.5 drift.privileges"),
    (container("Mounts", [{"Type": "bind", "Source": "/etc", "Destination": "/x"}]), "cis.5.6 drift.mounts"),
    (printed("exec", "for p in", more="99 10001 0 1 :sshd\n"), "cis.5.7"),
    (
        container("HostConfig.PortBindings", {"1/tcp": [{"HostIp": "127.0.0.1", "HostPort": "81"}]}),
        "cis.5.8 cis.5.9 drift.ports network.published",
    ),
    (container("HostConfig.PublishAllPorts", True), "cis.5.9 drift.privileges"),
    (container("HostConfig.NetworkMode", "host"), "cis.5.10"),
    (container("HostConfig.NetworkMode", "container:x"), "cis.5.10"),
    (container("HostConfig.Memory", 0), "cis.5.11 drift.limits"),
    (container("HostConfig.NanoCpus", 0), "cis.5.12 drift.limits"),
    (container("HostConfig.ReadonlyRootfs", False), "cis.5.13 drift.mounts"),
    (
        container("HostConfig.PortBindings", {"1/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8181"}]}),
        "cis.5.9 cis.5.14 drift.ports network.published",
    ),
    (container("HostConfig.RestartPolicy", {"Name": "always"}), "cis.5.15 drift.limits"),
    (container("HostConfig.PidMode", "host"), "cis.5.16 drift.privileges"),
    (container("HostConfig.IpcMode", "host"), "cis.5.17 drift.privileges"),
    (container("HostConfig.IpcMode", "shareable"), "cis.5.17 drift.privileges"),
    (container("HostConfig.IpcMode", "none"), "drift.privileges"),
    (container("HostConfig.Devices", [{"PathOnHost": "/dev/kvm"}]), "cis.5.18 drift.privileges"),
    (container("HostConfig.DeviceRequests", [{"Driver": "nvidia"}]), "cis.5.18 drift.privileges"),
    (container("HostConfig.DeviceCgroupRules", ["a *:* rwm"]), "cis.5.18 drift.privileges"),
    (container("HostConfig.Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 1}]), "cis.5.19 cis.5.29 drift.limits"),
    (container("HostConfig.Ulimits", None), "cis.5.19 cis.5.29 drift.limits"),
    (container("Mounts", [{**VOLUME, "Propagation": "rshared"}]), "cis.5.20 drift.mounts"),
    (container("HostConfig.UTSMode", "host"), "cis.5.21 drift.privileges"),
    (engine("SecurityOptions", []), "cis.5.22"),
    (engine("SecurityOptions", ["name=seccomp,profile=unconfined"]), "cis.5.22"),
    (
        container("HostConfig.SecurityOpt", ["no-new-privileges:true", "seccomp:unconfined"]),
        "cis.5.22 drift.privileges",
    ),
    (container("HostConfig.SecurityOpt", ["seccomp=unconfined"]), "cis.5.22 cis.5.26 drift.privileges"),
    (printed("exec", "for p in", more="99 10001 1 1 :sh\n"), "cis.5.23"),
    (printed("exec", "for p in", more="99 0 0 1 :sh\n"), "cis.5.24"),
    (container("HostConfig.CgroupParent", "/other"), "cis.5.25 drift.privileges"),
    (container("HostConfig.SecurityOpt", []), "cis.5.26 drift.privileges"),
    (container("HostConfig.SecurityOpt", ["no-new-privileges:false"]), "cis.5.26 drift.privileges"),
    (container("HostConfig.SecurityOpt", ["no-new-privileges"]), "drift.privileges"),
    (container("HostConfig.SecurityOpt", ["no-new-privileges=true"]), "drift.privileges"),
    (container("Config.Healthcheck", {"Test": ["NONE"]}), "cis.5.27 drift.process"),
    (container("Config.Healthcheck", None), "cis.5.27 drift.process"),
    (container("State.Health", {"Status": "unhealthy"}), "cis.5.27"),
    (container("State.Health", None), "cis.5.27"),
    (container("Config.Image", "egress@sha512:0"), "cis.5.28"),
    (container("Config.Image", "egress@sha256:0"), ""),
    (container("NetworkSettings.Networks", lambda on: {**on, "bridge": {}}), "cis.5.30 drift.networks"),
    (container("NetworkSettings.Networks", {"host": {}}), "cis.5.30 drift.networks"),
    (container("HostConfig.UsernsMode", "host"), "cis.5.31 drift.privileges"),
    (container("Mounts", [{**VOLUME, "Source": "/run/docker.sock"}]), "cis.5.32 drift.mounts"),
    (container("Mounts", [{**VOLUME, "Destination": "/var/run/docker.sock"}]), "cis.5.32 drift.mounts"),
    # what Pulumi declared
    (made_anew, "drift.containers drift.unknown-containers network.outsider network.door-shut"),
    (container("Name", "/another"), "drift.containers"),
    (container("State.Status", "paused"), "drift.containers"),
    (variables("egress", PATH="/x"), "drift.environment"),
    (variables("egress", LD_PRELOAD="/x"), "drift.environment"),
    (container("Config.Env", ["EGRESS_ALLOW=api.anthropic.com"]), "drift.environment"),
    (container("Config.Labels", lambda labels: {**labels, "litellm-claude.stack": "other"}), "drift.labels"),
    (container("Config.Labels", lambda labels: {**labels, "more": ""}), "drift.labels"),
    (container("Config.Labels", None), "drift.labels"),
    (image_of("egress", "front"), "drift.labels drift.image drift.process"),
    (declared_image, "drift.image supply.images"),
    (container("Config.User", "13"), "drift.process"),
    (container("Config.Hostname", "other"), "drift.process"),
    (container("Config.Entrypoint", ["sh"]), "drift.process"),
    (container("Config.Cmd", ["-c"]), "drift.process"),
    (container("Config.WorkingDir", "/x"), "drift.process"),
    (container("Config.Healthcheck", {"Test": ["CMD", "true"]}), "drift.process"),
    (container("Mounts", [VOLUME]), "drift.mounts"),
    (container("HostConfig.Tmpfs", {"/x": "rw"}), "drift.mounts"),
    (container("NetworkSettings.Networks", lambda on: {**on, "more": {}}), "drift.networks"),
    (container("NetworkSettings.Networks", {}), "drift.networks"),
    (joined("egress", "door"), "drift.networks network.door-shut"),
    (network("door", "Internal", False), "drift.networks network.gateway-closed"),
    (network("door", "EnableIPv6", True), "network.gateway-closed"),
    (network("backend", "Options", {}), "drift.networks network.backend-closed network.gateway-closed"),
    (network("egress", "Internal", True), "drift.networks"),
    (container("HostConfig.CapAdd", ["CHOWN"]), "cis.5.4 drift.privileges"),
    (container("HostConfig.Dns", ["1.1.1.1"]), "drift.privileges"),
    (container("HostConfig.Dns", None), ""),
    (container("HostConfig.Sysctls", {"net.ipv4.ip_forward": "1"}), "drift.privileges"),
    (container("HostConfig.GroupAdd", ["docker"]), "drift.privileges"),
    (container("HostConfig.VolumesFrom", ["x"]), "drift.privileges"),
    (container("HostConfig.OomKillDisable", True), "drift.privileges"),
    (container("HostConfig.OomKillDisable", None), ""),
    (container("HostConfig.AutoRemove", True), "drift.privileges"),
    (container("HostConfig.ExtraHosts", ["a:1.1.1.1"]), "drift.privileges"),
    (container("HostConfig.Links", ["a"]), "drift.privileges"),
    (container("HostConfig.MaskedPaths", []), "drift.privileges"),  # systempaths=unconfined
    (container("HostConfig.MaskedPaths", ["/proc/asound"]), ""),
    (container("HostConfig.ReadonlyPaths", None), "drift.privileges"),  # privileged
    (container("HostConfig.Memory", lambda bytes_: bytes_ + 1), "drift.limits"),
    (container("HostConfig.Memory", lambda bytes_: bytes_ - 1), "drift.limits"),
    (container("HostConfig.MemorySwap", -1), "drift.limits"),
    (container("HostConfig.MemorySwap", lambda bytes_: 2 * bytes_), "drift.limits"),
    (container("HostConfig.NanoCpus", lambda cpus: cpus + 1), "drift.limits"),
    (container("HostConfig.NanoCpus", lambda cpus: cpus - 1), "drift.limits"),
    (container("HostConfig.RestartPolicy", {"Name": "no"}), "drift.limits"),
    (
        container("HostConfig.Ulimits", lambda limits: [{**one, "Hard": one["Hard"] + 1} for one in limits]),
        "drift.limits",
    ),
    (container("HostConfig.LogConfig.Type", "none"), "drift.limits"),
    (container("HostConfig.LogConfig.Config.max-size", "1g"), "drift.limits"),
    (container("HostConfig.LogConfig.Config", None), "drift.limits"),
    (container("HostConfig.LogConfig.Config.env", "LITELLM_.*"), "drift.limits"),
    (container("HostConfig.LogConfig.Config.env-regex", "LITELLM_.*"), "drift.limits"),
    (container("HostConfig.LogConfig.Config.tag", "{{.Name}}{{.ContainerEnv}}"), "drift.limits"),
    # what an engine adds of its own accord: daemon.json's log-opts and default-ulimits
    (container("HostConfig.LogConfig.Config.tag", "{{.Name}}"), ""),
    (container("HostConfig.LogConfig.Config.compress", "true"), ""),
    (container("HostConfig.Ulimits", lambda limits: [*limits, {"Name": "core", "Soft": 0, "Hard": 0}]), ""),
    (network("door", "Options", lambda options: {**options, "com.docker.network.driver.mtu": "1400"}), ""),
    (engine("SwapLimit", False), "drift.limits:warn"),
    # keys, login and certificate
    (variables("litellm", LITELLM_MASTER_KEY="sk-1234"), "drift.environment key.custom key.strength key.as-declared"),
    (variables("litellm", LITELLM_MASTER_KEY="sk-\t"), "drift.environment key.form key.strength key.as-declared"),
    (variables("litellm", ANTHROPIC_API_KEY="x"), "drift.environment login.separate"),
    (variables("litellm", GATEWAY_CLIENTS="{}"), "clients.as-declared drift.environment"),
    (variables("egress", EGRESS_ALLOW=".com"), "drift.environment network.egress-list"),
    (variables("gateway", GATEWAY_TLS="off"), "drift.environment https.on"),
    (later(100), "https.days-left key.age"),
    (printed("logs --tail 5000", more="{key}"), "key.not-in-logs"),
    (printed("logs --tail 5000", more="WARNING: the master key is weak\n"), "key.start-up-log"),
    (secret_at("Args", lambda key: [key]), "key.not-in-command"),
    (secret_at("Config.Labels.more", str), "drift.labels key.not-in-command"),
    (another_certificate, "drift.environment https.chain"),
    (
        container("Mounts", lambda mounts: [{**one, "Name": "other"} for one in mounts], "litellm"),
        "drift.mounts login.volume",
    ),
    (printed("volume=", more="0123 other\n"), "login.volume-shared"),
    (inside("volume.mode", 0o755), "login.volume-mode"),
    (inside("volume.uid", 0), "login.volume-mode"),
    (inside("volume.free", 0), "login.present"),
    (logged_in(), "login.file-mode:pass login.present:pass"),
    (logged_in(mode=0o644), "login.file-mode login.present:pass"),
    (logged_in(allowed=False), "login.file-mode:pass login.present"),
    (inside("keys.previous", 200), "key.previous"),
    # who reaches whom
    (replaced("allowed.lst", by="0.0.0.0/0\n"), "network.allow-list"),
    (replaced("run --rm", by='"answered"\n'), "network.outsider"),
    (inside("default_routes", ["172.19.0.1"]), "network.no-internet"),
    (inside("neighbours", {"172.17.0.1": True}), "network.no-host"),
    (inside("names", {"posture.example.com": True}), "network.no-dns"),
    (inside("tunnels.other port", 200), "network.egress-refuses"),
]
"""What was changed, and the checks whose outcome that changes: they fail, unless another word is behind a colon."""


@pytest.fixture(scope="module", autouse=True)
def untouched() -> None:
    with pytest.MonkeyPatch.context() as patch:
        for recording in PRODUCTION:
            recording.replay(patch)
            UNTOUCHED[recording.name] = outcomes(recording)


def changed(recording: Recording, tampering: Tampering, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    tampered = recording.copy()
    tampering(tampered)
    tampered.replay(monkeypatch)
    return {id_: found for id_, found in outcomes(tampered).items() if found != UNTOUCHED[recording.name][id_]}


@pytest.mark.parametrize(("tampering", "found"), TAMPERINGS)
@pytest.mark.parametrize("recording", PRODUCTION, ids=lambda one: one.name)
def test_what_was_changed_by_hand_is_found_by_the_checks_meant_for_it(
    recording: Recording, tampering: Tampering, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [(id_, status or "fail") for id_, _, status in (one.partition(":") for one in found.split())]
    assert changed(recording, tampering, monkeypatch) == dict(expected)


@pytest.mark.parametrize("recording", PRODUCTION, ids=lambda one: one.name)
def test_each_check_of_what_the_engine_says_has_a_tampering(recording: Recording) -> None:
    judged = {id_ for id_, status in UNTOUCHED[recording.name].items() if status != "not-applicable"}
    untried = judged - {one.partition(":")[0] for _, found in TAMPERINGS for one in found.split()}
    assert not untried, "give each a line in TAMPERINGS, or in BEYOND (recorded.py) if it asks no engine"
    assert REGISTRY.keys() >= BEYOND
