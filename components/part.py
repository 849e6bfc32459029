"""What a part of the stack is, however it is run: as a container of one engine, or as a service of a Swarm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

from rules.version import VERSION

VERSION_LABEL = "org.opencontainers.image.version"
"""What made the container (OCI image spec, annotations). On the container and not in the image, so that a new version
rebuilds no image."""
NO_RESOLVER = "127.0.0.1"
"""Inside the container nothing listens there: names that the engine does not know itself do not resolve, because a name
that is forwarded to a resolver is a tunnel out."""
TMP = "/tmp"  # noqa: S108 - a container's own, and a tmpfs
LITELLM_START_SECONDS = 120
"""LiteLLM's ``start_seconds``: Python, on a machine that is busy with others."""
HEALTH_INTERVAL, HEALTH_TIMEOUT, HEALTH_TRIES = "5s", "5s", 3
"""Each look is a process that is started in the container: more often, and idle stacks cost more."""
LOG_DRIVER, LOG_OPTIONS = "json-file", {"max-size": "10m", "max-file": "5"}

Values = Mapping[str, pulumi.Input[str] | None]


@dataclass(frozen=True)
class Port:
    """A port of the container, and where the host has it."""

    internal: int
    external: int
    address: str


@dataclass(frozen=True)
class Mount:
    """A volume, and where the container has it."""

    volume: docker.Volume
    path: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part, with nothing allowed that it does not need (section 5 of the CIS Docker Benchmark v1.6.0).

    components/container.py and components/service.py say how each of this is said to the engine.
    """

    role: str
    """On each of its networks it answers to this name, and to ``aliases``."""
    image: pulumi.Input[str]
    user: str
    """``uid:gid``, never root (CIS 4.1)."""
    env: Values
    """Values may be secret outputs; None leaves the variable out."""
    secrets: frozenset[str] = frozenset()
    """Which of the variables are secrets: a service has them as files, and never as environment."""
    configuration: frozenset[str] = frozenset()
    """Which of the others may be long: a service has them as files, too."""
    networks: Sequence[docker.Network]
    door: docker.Network | None = None
    """One network more, on which it answers to ``role``-door too, so that it knows this one from the others."""
    ports: Sequence[Port] = ()
    mounts: Sequence[Mount] = ()
    dns: Sequence[str] = ()
    """Resolvers for names that the engine does not know itself."""
    tmpfs: Mapping[str, str]
    """Writable directories and their mount options; everything else is read-only (5.13)."""
    memory_mib: int
    """Memory limit in MiB, without swap (5.11)."""
    cpus: float
    """CPU limit in cores (5.12)."""
    files: int
    """Limit of open files (5.19)."""
    health_program: str = ""
    """The image's program for its health check, if it is not named after the role."""
    grace_seconds: int
    """Between the image's stop signal and SIGKILL when it is ended."""
    start_seconds: int = 60
    """How long an update waits for it to be healthy before it fails."""
    create_before_delete: bool = False
    """Replace without an outage; impossible for one that publishes a port."""
    replicas: int = 1
    """How many there are, alike but for their names."""
    everywhere: bool = False
    """In a Swarm there is one on each node that ``placement`` allows, in place of ``replicas``."""
    placement: Sequence[str] = ()
    """Constraints of the Swarm's scheduler."""
    outlives_versions: bool = False
    """A new version of this project alone does not replace it: its labels do not tell the version."""
    make_room: pulumi.ResourceHook | None = None
    """Runs before it is created."""
    depends_on: Sequence[pulumi.Resource] = ()
    replaced_with: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Labels of a service that change whenever something changed that its tasks must not outlive."""

    @property
    def health_command(self) -> list[str]:
        """The health check, as the engine takes it."""
        return ["CMD", self.health_program or f"{self.role}-healthcheck"]

    @property
    def version_label(self) -> dict[str, str]:
        """The label that says what made it; none of one that outlives versions."""
        return {} if self.outlives_versions else {VERSION_LABEL: VERSION}
