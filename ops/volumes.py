"""What is in a volume, taken out and put back with owners and modes, by a container that has nothing else."""

from collections.abc import Mapping, Sequence

from ops.commands import OperationError
from ops.engine import Engine

IMAGE = "debian:trixie-slim"
"""What the Dockerfiles start from: setup/base_image.sh sees to it, the stack's own images may not be there yet."""
FOLDER = "/volume"
READING = ("DAC_READ_SEARCH",)
CHANGING = ("CHOWN", "FOWNER", "DAC_READ_SEARCH")
WRITING = ("CHOWN", "FOWNER", "DAC_OVERRIDE")
# Text in between, because docker's client is read as text. A file that changes meanwhile (tar's status 1) is taken as
# it was, as after a power cut.
TAKE = f"set -o pipefail; {{ tar -cz --numeric-owner -C {FOLDER} . || [ $? = 1 ]; }} | base64 --wrap=0"
FILL = f"set -o pipefail; base64 --decode | tar -xzp --numeric-owner -C {FOLDER}"

SECONDS = 3600
"""A volume with years of usage on a slow disk."""


def as_root(
    engine: Engine, volume: str, *command: str, capabilities: Sequence[str] = CHANGING, stdin: str | None = None
) -> str:
    """What ``command`` prints, run as root with the volume and nothing else: no network, no way to more rights.

    Raises:
        OperationError: with docker's or the command's own words, when it fails.
    """
    added = [part for name in capabilities for part in ("--cap-add", name)]
    confined = ["--network", "none", "--read-only", "--cap-drop", "ALL", *added]
    confined += ["--security-opt", "no-new-privileges", "--log-driver", "none", "--user", "0:0"]
    mount = f"type=volume,source={volume},target={FOLDER},volume-nocopy=true"
    given = () if stdin is None else ("--interactive",)
    done = engine.call(
        "run", "--rm", *given, *confined, "--mount", mount, IMAGE, *command, stdin=stdin, seconds=SECONDS
    )
    if done.returncode:
        raise OperationError(f"docker run failed: {done.stderr.strip()}")
    return done.stdout


def exists(engine: Engine, volume: str) -> bool:
    """Whether the engine has a volume of this name."""
    return engine.run("volume", "inspect", volume, check=False).returncode == 0


def holds_something(engine: Engine, volume: str) -> bool:
    """Whether a file is in the volume."""
    command = ("find", FOLDER, "-mindepth", "1", "-print", "-quit")
    return bool(as_root(engine, volume, *command, capabilities=READING).strip())


def taken(engine: Engine, volume: str) -> str:
    """Returns all that is in the volume, as the text of a packed archive."""
    return as_root(engine, volume, "bash", "-c", TAKE, capabilities=READING)


def fill(engine: Engine, volume: str, archive: str, labels: Mapping[str, str]) -> None:
    """Makes the volume, as the stack declares it, with what :func:`taken` returned."""
    engine.run("volume", "create", *(f"--label={name}={value}" for name, value in labels.items()), volume)
    as_root(engine, volume, "bash", "-c", FILL, capabilities=WRITING, stdin=archive)
