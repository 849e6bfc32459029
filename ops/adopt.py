"""Hands the files of an adopted login volume over to LiteLLM's user, before an update.

A volume from a compose deployment holds files of root, or of uid 1000. LiteLLM runs as uid 10001 and without
capabilities, so it may neither read them nor change their owner: that takes root, once, in a container that has nothing
but the volume. A healthy LiteLLM of the stack is asked itself, which costs less.
"""

from pathlib import Path

from ops.commands import OperationError
from ops.decrypted_setting import decrypted
from ops.engine import Engine
from ops.names import prefix
from ops.volumes import FOLDER, as_root, exists
from rules.layout import CLAUDE_CONFIG_DIR, STACK_LABEL
from rules.messages import sayer
from rules.stack_settings import setting

say = sayer("adopt")

USER = 10001
"""LiteLLM's user and group (images/litellm/Dockerfile)."""


def volume_of(stack: str) -> str:
    """Returns the name of the volume with the stack's login, whether it exists or not."""
    return str(decrypted("claudeAuthVolume", stack, Path()) or f"{prefix(stack)}-claude-auth")


def owners(engine: Engine, volume: str) -> set[int]:
    """Returns the uids and gids of all that is in the volume and of its top folder; none when it is empty."""
    listed = as_root(engine, volume, "find", FOLDER, "-printf", "%d %U %G\n").splitlines()
    entries = [tuple(map(int, line.split())) for line in listed]
    if not any(depth for depth, *_ in entries):
        return set()  # an empty one takes the owner and the mode of LiteLLM's own folder when it is first mounted
    return {number for _, *numbers in entries for number in numbers}


def hand_over(stack: str, engine: Engine) -> None:
    """Makes uid 10001 the owner of all that is in the stack's login volume, and of its folder, closed to others.

    Raises:
        OperationError: when a container that is not the stack's works with these files, or the engine refuses.
    """
    volume = volume_of(stack)
    if not exists(engine, volume):  # the update makes it
        if setting("claudeAuthVolume", stack, Path()):
            say(
                f"there is no volume {volume}, which claudeAuthVolume names, so an empty one is made "
                f"({engine.typed} volume ls)"
            )
        return
    own = f"label={STACK_LABEL}={prefix(stack)}"
    for user in _users(engine, volume, "--filter", own, "--filter", "health=healthy"):
        found = engine.run(
            "exec", user, "find", CLAUDE_CONFIG_DIR, "!", "-uid", str(USER), "-print", "-quit", check=False
        )
        if found.returncode == 0 and not found.stdout:  # what it may not look into is another's, and printed
            return
    foreign = owners(engine, volume) - {USER}
    if not foreign:
        return
    whose = "root" if foreign == {0} else " and ".join(f"uid {uid}" for uid in sorted(foreign))
    if others := sorted(set(_users(engine, volume)) - set(_users(engine, volume, "--filter", own))):
        raise OperationError(
            f"the files in the volume {volume} belong to {whose}, and {', '.join(others)} works with them. Stop it "
            f"({engine.typed} stop {' '.join(others)}), then run make up STACK={stack}: the files are handed over to "
            "this stack"
        )
    say(
        f"the files in the volume {volume} belong to {whose}; handing them over to uid {USER}, "
        f"as which LiteLLM runs (it mounts them at {CLAUDE_CONFIG_DIR})"
    )
    # The mode first: until the owner is right nobody uses the files, and a run that is killed in between is repeated.
    as_root(engine, volume, "chmod", "--recursive", "u+rwX,go-rwx", FOLDER)
    as_root(engine, volume, "chown", "--recursive", "--no-dereference", f"{USER}:{USER}", FOLDER)


def _users(engine: Engine, volume: str, *filters: str) -> list[str]:
    """Names of the running containers that mount ``volume``."""
    return engine.run("ps", "--filter", f"volume={volume}", *filters, "--format", "{{.Names}}").stdout.split()
