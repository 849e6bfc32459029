"""Which engine a stack is on, as lines for a shell: ``python -m setup.read_stack [STACK]``.

Without a stack it is the engine of the docker context in use, if there is one.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from rules.layout import PROJECT, stack_name
from rules.messages import tell
from rules.stack_settings import value_of
from rules.yaml_file import YamlError, parsed

PART = "[A-Za-z0-9._][A-Za-z0-9._-]*"
NAME = re.compile(f"({PART}/){{0,2}}{PART}")
"""As Pulumi takes it: [[ORGANISATION/]PROJECT/]NAME or ORGANISATION/NAME."""
TOLD = 3
"""Status of a refusal in words; another one is Python's own."""


class StackError(Exception):
    """What keeps a stack from being known; a sentence for the operator."""


def refuse_other_names(stack: str) -> None:
    """Raises StackError for what is no name of a stack here."""
    if not NAME.fullmatch(stack):
        raise StackError(f"'{stack}' is no stack name: letters, digits, '.', '_' and '-'. Example: make up STACK=dev")
    if stack.count("/") == 2 and f"/{PROJECT}/" not in stack:
        raise StackError(
            f"'{stack}' is a stack of another project than {PROJECT}, which is the one here. "
            f"Use STACK={stack_name(stack)}"
        )


def content_of(file: Path, stack: str) -> bytes:
    """Returns a stack's file.

    Raises:
        StackError: when there is none, or it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as fault:
        if isinstance(fault, FileNotFoundError) and not file.is_symlink():
            known = sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in Path().glob("Pulumi.*.yaml"))
            raise StackError(
                f"there is no stack '{stack}'. Known ones: {', '.join(known)}. "
                f"Use 'make ... STACK=NAME', or add {file} for a new one."
            ) from None
        raise StackError(
            f"{file} cannot be read: {fault.strerror}. The settings of the stack '{stack}' belong there, "
            f"in a file that you may read. See: ls -ld {file}"
        ) from None


def word(value: Any, name: str, file: Path) -> str:
    """Returns a value as Pulumi hands it over.

    Raises:
        StackError: when it is encrypted, or a list or a map.
    """
    if isinstance(value, (dict, list)):
        raise StackError(
            f"{file}: {name} is encrypted (secure:), or a list or a map. It is no secret, and read before Pulumi can "
            f"decrypt anything. Fix: write it into {file} as one word, in the clear: {name}: VALUE"
        )
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def engine(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Returns what docker's client needs for the engine that a stack's file names.

    Without one it is that of the docker context in use, which Pulumi's provider does not know.
    """
    host, certificates = given["host"], given["certificates"]
    docker = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if not (host or certificates or environment.get("DOCKER_HOST")) and (
        environment.get("DOCKER_CONTEXT") or noted(docker / "config.json", "currentContext")
    ):
        asked = "{{.Endpoints.docker.Host}} {{.Storage.TLSPath}}/docker"
        command = ["docker", "context", "inspect", "--format", asked]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except OSError:
            said = ""
        host, _, certificates = said.partition("\n")[0].partition(" ")
        certificates = certificates if Path(certificates).is_dir() else ""
    if not host:
        return {}
    tls = {"DOCKER_CERT_PATH": certificates, "DOCKER_TLS_VERIFY": "1"} if certificates else {}
    return {"DOCKER_HOST": host, **tls}


def noted(file: Path, key: str) -> str:
    """Returns what another program has noted in its file of JSON; that one says what is wrong with the file."""
    try:
        return str(json.loads(file.read_bytes())[key] or "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def read(stack: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns what a stack's file and Pulumi.yaml give.

    Raises:
        StackError, YamlError: with what is wrong with the stack's name or its file.
    """
    project = parsed(Path("Pulumi.yaml").read_bytes(), "Pulumi.yaml")
    top: dict[str, Any] = {}
    file = Path("Pulumi.yaml")
    if stack is not None:
        refuse_other_names(stack)
        file = Path(environment.get("LITELLM_CLAUDE_RESTORE") or f"Pulumi.{stack_name(stack)}.yaml")  # a backup's
        top = parsed(content_of(file, stack), str(file))

    def given(name: str) -> str:
        return word(value_of(name, top.get("config") or {}, project.get("config") or {}), name, file)

    backend = project.get("backend")
    return {
        "host": given("dockerHost"),
        "certificates": given("dockerCertPath"),
        "name": given("name"),
        "orchestrator": given("orchestrator"),
        "provider": word(top.get("secretsprovider"), "secretsprovider", file),
        "salt": word(top.get("encryptionsalt"), "encryptionsalt", file),
        "backend": word(backend.get("url"), "url", Path("Pulumi.yaml")) if isinstance(backend, dict) else "",
    }


def assigned(before: str = "", **values: str) -> str:
    """Returns a line for the shell for each value, with what stands before its name."""
    return "".join(f"{before}{name}={quote(value)}\n" for name, value in values.items())


def lines(stack: str | None = None) -> Iterator[str]:
    """Yields what points docker's client at the engine, and where the stack's file says that it is."""
    given = read(stack, os.environ)
    yield assigned("export ", **engine(given, os.environ))
    yield assigned(given_host=given["host"])


def told(lines: Iterable[str]) -> int:
    """Prints all lines, or what is wrong; returns the exit status."""
    try:
        text = "".join(lines)
    except (StackError, YamlError) as fault:
        sys.stderr.write(f"error: {fault}\n")
        return TOLD
    except OSError as fault:
        place = fault.filename or Path.cwd()  # a full disk names no file
        sys.stderr.write(f"error: {place} cannot be read or written: {fault.strerror}. See: ls -ld {place}\n")
        return TOLD
    tell(text)
    return 0


if __name__ == "__main__":
    sys.exit(told(lines(*sys.argv[1:])))
