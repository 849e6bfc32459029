"""The environment in which pulumi runs here, as lines for a shell: ``python -m setup.environment ROOT STACK``.

What the user has set is respected: PULUMI_HOME, a backend (variable, login or Pulumi.yaml), a passphrase or a secrets
provider. With the stack's setting dockerHost, docker's client is pointed at that engine, too.
"""

import json
import os
import pwd
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote

from rules import state_file
from rules.layout import PROJECT, stack_name
from rules.messages import sayer
from setup.read_stack import StackError, assigned, engine, noted, read, told

say = sayer("setup")
LOGIN = re.compile(f'"urn": "[^"]*::{PROJECT}-([^"]*)-claude-auth"')
"""The volume of a login, which keeps the name under which its stack was made."""


def exports(root: Path, name: str, given: Mapping[str, str], shell: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a stack, with what ``shell`` has set.

    Raises:
        StackError: when its state cannot be kept, or its passphrase is not here.
    """
    own_home, own_state = root / ".toolchain" / "home", root / ".pulumi-state"  # the former has the built plugins
    own_backend = state_file.url_of(str(own_state))
    # What an earlier `make env` has set in this shell, perhaps for another stack, is not the user's.
    own = rf".*/\.toolchain/home|{re.escape(own_backend)}|{re.escape(str(root))}/\.pulumi-passphrase-.*"
    user = {key: value for key, value in shell.items() if not (key.startswith("PULUMI_") and re.fullmatch(own, value))}
    home = user.get("PULUMI_HOME")
    credentials = Path(user.get("PULUMI_CREDENTIALS_PATH") or home or Path.home() / ".pulumi")
    login = noted(credentials / "credentials.json", "current")
    found = {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": user.get("PULUMI_LOG_ROTATION_MAX_TOTAL_MB") or "50",  # a tenth of Pulumi's
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",  # a stack's file without a secret needs no salt
        # They hold times: the same build twice would be two images, and a replacement.
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    if not home and own_home.is_dir():
        found["PULUMI_HOME"] = str(own_home)
        found |= {"PULUMI_CREDENTIALS_PATH": str(credentials)} if login else {}
    cloud = "https://" if user.get("PULUMI_ACCESS_TOKEN") else ""  # Pulumi Cloud, wherever it is
    backend = user.get("PULUMI_BACKEND_URL") or cloud or given["backend"] or login
    if not backend:
        backend = own_backend
        try:
            own_state.mkdir(mode=0o700, exist_ok=True)
        except OSError as fault:
            raise StackError(
                f"the state cannot be kept in {own_state}: {fault.strerror}. "
                "Move away what is there, or choose another place: docs/backends.md"
            ) from None
        _refuse_anothers(own_state, os.W_OK)
    if backend.startswith("file://"):  # a login, too: what looks after the state's files must know where they are
        found["PULUMI_BACKEND_URL"] = backend
    provider = given["provider"] or ("service" if backend.startswith("http") else "passphrase")  # Pulumi Cloud's own
    of_the_user = "PULUMI_CONFIG_PASSPHRASE" in user or user.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if provider == "passphrase" and not of_the_user:
        state = state_file.folder_of(backend)
        restored = bool(user.get("LITELLM_CLAUDE_RESTORE"))
        found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(root, name, given, state, restored))
    return found


def _refuse_anothers(path: Path, use: int) -> None:
    if not os.access(path, use):  # in the words of setup/lib.sh
        owner, user = _user(path.stat().st_uid), _user(os.geteuid())
        raise StackError(
            f"{path} belongs to {owner}, and {user} may not use it. "
            f"Run make as {owner} (sudo -u {owner} make ...), or in a copy of your own."
        )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _passphrase(root: Path, name: str, given: Mapping[str, str], state: Path | None, restored: bool) -> Path:
    """A passphrase made here is written once, and never printed. One that was made elsewhere cannot be replaced."""
    file = root / f".pulumi-passphrase-{name}"
    if not _filled(file):
        place = state_file.find(state, name) if state else None
        latest = state_file.read(place) if place else {}
        stored = json.dumps(latest)
        # The state alone may have the salt; nobody knows what was in a damaged one.
        encrypted = given["salt"] or '"salt"' in stored or latest is None
        # `pulumi stack rename` leaves the passphrase behind.
        former = root / f".pulumi-passphrase-{given['name'] or ''.join(LOGIN.findall(stored)[:1])}"
        if _filled(former):
            # A copy: the state that says so goes with 'make down', and the former name may become another stack's.
            _write(file, former.read_bytes())
        elif not encrypted:
            if _write(file, os.urandom(32).hex().encode()):
                say(f"made a random passphrase for the stack '{name}' in {file}.")
                say("Keep a copy in a safe place: without it this stack's secrets are lost.")
        elif name == "dev" and not restored:
            _write(file, b"development")  # what 0.1 encrypted every development stack with
            say(
                "the stack 'dev' has secrets and no passphrase here: taking the published one of version 0.1, which it "
                "may have been made with. docs/backends.md says how to change it."
            )
        else:
            raise StackError(
                f"the secrets of the stack '{name}' are encrypted with a passphrase that is not here ({file.name} is "
                "missing). Put it back, or set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE. "
                "If it is lost: docs/operating.md, 'A lost passphrase'."
            )
    _refuse_anothers(file, os.R_OK)
    return file


def _filled(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _write(file: Path, content: bytes) -> bool:
    """Of two that do this at the same time one is second, and takes what the first has made: False."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.touch(mode=0o600)
    try:
        with new.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # a power cut must not leave the name alone, and what it has encrypted by then
        try:
            os.link(new, file)
        except OSError:  # it is there, perhaps empty; or this file system has no links
            if _filled(file):
                return False
            new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return True


def lines(root: Path, stack: str, reader: str) -> Iterator[str]:
    """Yields lines for a user's shell, or ``for-scripts`` of ops/, which have to know more of the stack."""
    shell, programs = os.environ, root / ".toolchain" / "bin"
    given = read(stack, shell)
    found = exports(root, stack_name(stack), given, shell) | engine(given, shell)
    if os.access(programs / "pulumi", os.X_OK) and not f"{shell.get('PATH')}:".startswith(f"{programs}:"):
        yield f'export PATH={quote(str(programs))}:"$PATH"\n'  # the shell that evaluates it expands it
    if shell.get("DOCKER_CONTEXT"):
        yield "unset DOCKER_CONTEXT\n"  # Pulumi's provider prefers it to any host, dockerHost's too
    yield assigned("export ", **found)
    if reader:
        yield assigned("given_", **given)
        yield assigned(state=str(state_file.folder_of(found.get("PULUMI_BACKEND_URL", "")) or ""))


if __name__ == "__main__":
    sys.exit(told(lines(Path(sys.argv[1]), *sys.argv[2:])))
