"""What the posture check must catch on a weakened stack: the way it was weakened, and the checks meant for that."""

import time

from rules.keys import DEVELOPMENT_KEY
from tests.integration.container_copies import both, config, done, environment, host, impostor, twin
from tests.integration.tamper_actions import (
    Tampering,
    another_network,
    beside,
    command_on,
    inside,
    leak,
    leak_into_the_log,
    login,
    named,
    off_the_backend,
    other_certificate,
    public_copy,
    replaced_gateway,
    session,
    sleeping_litellm,
)

SSHD = 'import ctypes,time; ctypes.CDLL(None).prctl(15, b"sshd"); time.sleep(4)'
SOON = time.time() + 86400
MOUNT = "/var/run/docker.sock:/var/run/docker.sock"
TAMPERINGS: dict[str, tuple[Tampering, tuple[str, ...]]] = {
    "a capability is added": (beside(CapAdd=["NET_ADMIN"]), ("cis.5.4", "drift.unknown-containers")),
    "capabilities are not dropped": (beside(CapDrop=[]), ("cis.5.4",)),
    "privileged": (beside(Privileged=True), ("cis.5.5",)),
    "a folder of the host is mounted": (beside(Binds=["/etc:/host:ro"]), ("cis.5.6",)),
    "the engine's socket is mounted": (beside(Binds=[MOUNT]), ("cis.5.32", "cis.5.6")),
    "no memory limit": (beside(Memory=0, MemorySwap=0), ("cis.5.11",)),
    "no CPU limit": (beside(NanoCpus=0), ("cis.5.12",)),
    "a writable root": (beside(ReadonlyRootfs=False), ("cis.5.13",)),
    "the host's processes": (beside(PidMode="host"), ("cis.5.16",)),
    "the host's IPC": (beside(IpcMode="host"), ("cis.5.17",)),
    "a device": (
        beside(Devices=[{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
        ("cis.5.18",),
    ),
    "no ulimits": (beside(Ulimits=[]), ("cis.5.19", "cis.5.29")),
    "no seccomp": (beside(SecurityOpt=["no-new-privileges:true", "seccomp=unconfined"]), ("cis.5.22",)),
    "new privileges": (beside(SecurityOpt=[]), ("cis.5.26",)),
    "another cgroup": (beside(CgroupParent="/other"), ("cis.5.25",)),
    "the host's users": (beside(UsernsMode="host"), ("cis.5.31",)),
    "always restarted": (
        command_on("egress", ("update", "--restart=always"), ("update", "--restart=unless-stopped")),
        ("cis.5.15", "drift.limits"),
    ),
    "root": (lambda stack: twin(stack, "egress", config(User="0:0")), ("cis.4.1",)),
    "no health check": (lambda stack: twin(stack, "egress", config(Healthcheck={"Test": ["NONE"]})), ("cis.5.27",)),
    "the default bridge": (
        lambda stack: twin(stack, "egress", both(host(NetworkMode="bridge"), config(NetworkingConfig={}, others={}))),
        ("cis.5.30",),
    ),
    "the host's network": (
        lambda stack: twin(
            stack, "egress", both(host(NetworkMode="host"), config(NetworkingConfig={}, others={}, Hostname=""))
        ),
        ("cis.5.10",),
    ),
    "a port is published": (public_copy, ("network.published", "cis.5.9", "cis.5.14")),
    "a privileged port": (beside(PortBindings={"3128/tcp": [{"HostIp": "127.0.0.1", "HostPort": "81"}]}), ("cis.5.8",)),
    "a second gateway": (
        lambda stack: twin(stack, "gateway", config()),
        ("drift.unknown-containers", "network.door-shut"),
    ),
    "a way out for the gateway": (
        lambda stack: another_network(stack, "gateway"),
        ("drift.networks", "network.gateway-closed"),
    ),
    "a second LiteLLM": (
        lambda stack: twin(stack, "litellm", config()),
        ("drift.unknown-containers", "login.volume-shared"),
    ),
    "a root session": (lambda stack: session(stack, "egress", "exec sleep 4", "--user", "root"), ("cis.5.24",)),
    "a process with capabilities": (
        lambda stack: twin(
            stack,
            "egress",
            both(host(CapAdd=["NET_RAW"], SecurityOpt=[]), config(User="0:0", Entrypoint=["sleep", "60"], Cmd=None)),
            start=True,
        ),
        ("cis.5.23", "cis.5.24", "cis.5.4", "cis.4.1"),
    ),
    "a remote shell": (lambda stack: session(stack, "litellm", f"exec python3 -c '{SSHD}'"), ("cis.5.7",)),
    "more memory": (
        command_on(
            "egress",
            ("update", "--memory=300m", "--memory-swap=300m"),
            ("update", "--memory=256m", "--memory-swap=256m"),
        ),
        ("drift.limits",),
    ),
    "a network is added": (another_network, ("drift.networks", "network.backend-closed", "network.no-internet")),
    "a network is taken away": (off_the_backend, ("drift.networks",)),
    "a container is paused": (command_on("egress", ("pause",), ("unpause",)), ("drift.containers",)),
    "a container is renamed": (
        lambda stack: done(
            *("rename", stack.container("egress"), f"{stack.name}-x"),
            undo=("rename", f"{stack.name}-x", stack.container("egress")),
        ),
        ("drift.containers",),
    ),
    "the image is swapped": (
        lambda stack: impostor(stack, "egress", config(Image=stack.inspect("gateway")["Image"])),
        ("drift.image", "drift.containers"),
    ),
    "the environment is changed": (
        lambda stack: impostor(stack, "egress", environment(EGRESS_ALLOW=".com")),
        ("drift.environment",),
    ),
    "an image that is not declared": (
        lambda stack: twin(stack, "egress", config(Image="debian:trixie-slim")),
        ("supply.images", "cis.5.28"),
    ),
    "labels are changed": (named("egress", Labels={"litellm-claude.stack": "other"}), ("drift.labels",)),
    "the command is changed": (named("egress", Entrypoint=["sleep", "60"]), ("drift.process",)),
    "a writable directory": (
        lambda stack: impostor(stack, "egress", host(Tmpfs={"/run/squid": "rw", "/data": "rw,exec"})),
        ("drift.mounts",),
    ),
    "a host name is given": (
        lambda stack: impostor(stack, "egress", host(ExtraHosts=["api.anthropic.com:192.0.2.1"])),
        ("drift.privileges",),
    ),
    "the egress list is opened": (
        lambda stack: impostor(
            stack, "egress", both(environment(EGRESS_ALLOW=".com"), config(Entrypoint=["sleep", "60"])), start=True
        ),
        ("network.egress-list",),
    ),
    "another master key": (
        sleeping_litellm(LITELLM_MASTER_KEY="sk-1234"),
        ("key.as-declared", "key.custom", "key.strength"),
    ),
    "the development key": (sleeping_litellm(LITELLM_MASTER_KEY=DEVELOPMENT_KEY), ("key.custom", "key.as-declared")),
    "an API key beside the login": (
        sleeping_litellm(ANTHROPIC_API_KEY="sk-ant-api03-x"),
        ("login.separate", "drift.environment"),
    ),
    "the allow-list is opened by hand": (
        inside(
            "gateway",
            "cp /run/gateway/allowed.lst /run/gateway/kept; echo 0.0.0.0/0 >>/run/gateway/allowed.lst",
            "mv /run/gateway/kept /run/gateway/allowed.lst",
        ),
        ("network.allow-list",),
    ),
    "the allow-list is opened by a new gateway": (
        lambda stack: replaced_gateway(stack, GATEWAY_ALLOWED_CIDRS="0.0.0.0/0"),
        ("network.allow-list", "drift.environment", "drift.containers"),
    ),
    "the certificate is replaced": (
        lambda stack: replaced_gateway(stack, **other_certificate()),
        ("https.certificate", "https.chain", "drift.environment", "access.key-works"),
    ),
    "the volume is opened": (
        inside("litellm", "chmod 755 /home/app/.claude", "chmod 700 /home/app/.claude"),
        ("login.volume-mode",),
    ),
    "the login can be read by others": (login(SOON, refresh="sk-ant-ort01-x", mode="644"), ("login.file-mode",)),
    "the login runs out": (login(SOON), ("login.present",)),
    "a secret is logged": (leak_into_the_log, ("key.not-in-logs", "key.not-in-command")),
    "the key in a backup of the state": (leak("state", "raw"), ("secrets.state",)),
    "the key's bytes in the state": (leak("state", "bytes"), ("secrets.state",)),
    "the key in the stack's file": (leak("stack file", "hex"), ("secrets.stack-file",)),
    "the key in the stack's file, encoded": (leak("stack file", "base64"), ("secrets.stack-file",)),
}
