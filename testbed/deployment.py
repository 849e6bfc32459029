"""A stack of the tests' own, deployed for real through the Automation API from a copy of the project."""

import contextlib
import json
import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from rules import pulumi_command

ROOT = Path(__file__).parents[1]
COPIED = (
    "__main__.py",
    "pyproject.toml",
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "Pulumi.prod.yaml",
    "components",
    "images",
    "ops",
    "posture",
    "rules",
    "setup",
)
PASSPHRASE = "of the tests"


def docker(*arguments: str, check: bool = True) -> str:
    """Runs the docker client and returns what it printed, on both channels."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=300)
    if check and done.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return (done.stdout + done.stderr).strip()


@dataclass
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Deployment:
    """One stack. All that pulumi printed is kept in ``printed``, for tests that look for secrets in it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.name = f"t{secrets.token_hex(3)}"
        self.printed: list[str] = []
        self.outputs: dict[str, Any] | None = None
        self.project = folder / "project"
        self.state = folder / "state"
        self.project.mkdir()
        self.state.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.project / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, self.project / name)
        definition = yaml.safe_load((self.project / "Pulumi.yaml").read_text())
        definition["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
        # Without the salt and the secrets that a user's own `make up` may have put there.
        settings = yaml.safe_load((self.project / f"Pulumi.{kind}.yaml").read_text())["config"]
        plain = {
            name: value for name, value in settings.items() if not isinstance(value, dict) or "secure" not in value
        }
        (self.project / f"Pulumi.{self.name}.yaml").write_text(yaml.safe_dump({"config": plain}))
        self.environment = {
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.stack = automation.create_stack(
            self.name,
            work_dir=str(self.project),
            opts=automation.LocalWorkspaceOptions(env_vars=self.environment),
        )

    def set(self, **settings: Any) -> None:
        """Sets configuration; lists item by item, None removes, secrets by :meth:`set_secret`."""
        file = self.project / f"Pulumi.{self.name}.yaml"
        stored = {name.rpartition(":")[2] for name in yaml.safe_load(file.read_text())["config"]}
        gone = [name for name, value in settings.items() if name in stored and isinstance(value, list | None)]
        if gone:
            self.stack.remove_all_config(gone)
        config: dict[str, automation.ConfigValue] = {}
        for name, value in settings.items():
            if isinstance(value, list):
                config |= {f"{name}[{index}]": automation.ConfigValue(str(item)) for index, item in enumerate(value)}
            elif value is not None:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                config[name] = automation.ConfigValue(text)
        if config:
            self.stack.set_all_config(config, path=True)
        # As make does: what builds images asks docker's client for the engine.
        if host := settings.get("dockerHost"):
            self.environment["DOCKER_HOST"] = str(host)
        if certificates := settings.get("dockerCertPath"):
            self.environment |= {"DOCKER_CERT_PATH": str(certificates), "DOCKER_TLS_VERIFY": "1"}

    def set_secret(self, name: str, value: str) -> None:
        self.stack.set_config(name, automation.ConfigValue(value, secret=True))

    def up(self, *, refresh: bool = False) -> automation.UpResult:
        self.outputs = None
        options: Any = {"on_output": self.printed.append, "on_error": self.printed.append, "color": "never"}
        result = self.stack.up(**options, refresh=refresh)
        self.outputs = {key: output.value for key, output in result.outputs.items()}
        return result

    def changes(self) -> dict[str, int]:
        """What another update would do, apart from leaving things as they are."""
        summary = self.stack.preview(on_output=self.printed.append).change_summary
        return {str(operation): count for operation, count in summary.items() if str(operation) != "same" and count}

    def output(self, name: str) -> Any:
        if self.outputs is None:  # asking takes a second
            self.outputs = {key: output.value for key, output in self.stack.outputs().items()}
        return self.outputs.get(name)

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state, with secrets in the clear."""
        return list((self.stack.export_stack().deployment or {})["resources"])

    def container(self, role: str) -> str:
        return str(self.output(f"{role}_container"))

    def there(self, role: str | None = None, kind: str = "container") -> list[str]:
        """The names of the stack's containers (whatever their state), networks or volumes, of one role or all."""
        labels = [f"label=litellm-claude.stack=litellm-claude-{self.name}"]
        if role:
            labels.append(f"label=litellm-claude.role={role}")
        filters = [part for label in labels for part in ("--filter", label)]
        form = ["--all", "--format", "{{.Names}}"] if kind == "container" else ["--format", "{{.Name}}"]
        return docker(kind, "ls", *form, *filters).split()

    def inspect(self, role: str) -> dict[str, Any]:
        return dict(json.loads(docker("inspect", self.container(role)))[0])

    def exec(self, role: str, *command: str) -> str:
        return docker("exec", self.container(role), *command, check=False)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs pulumi by hand, as a user would."""
        environment = {**os.environ, **self.environment}
        return pulumi_command.call(
            *arguments, stack=self.name, folder=self.project, environment=environment, seconds=600
        )

    def call(
        self, path: str, *, key: str | None = "", body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Calls the gateway as a client on this machine; without ``key`` with the stack's own, None sends none."""
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent["authorization"] = f"Bearer {key or self.output('master_key')}"
        request = urllib.request.Request(
            self.output("url") + path, headers=sent, data=None if body is None else json.dumps(body).encode()
        )
        authority = self.output("ca_certificate")
        context = ssl.create_default_context(cadata=authority) if authority else None
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def remove(self) -> None:
        """Takes everything down, protected and retained things too."""
        if "DOCKER_HOST" in self.environment:
            self._destroy()
        else:
            self._clear()

    def _destroy(self) -> None:
        """As a user does: an engine elsewhere may have services, secrets and images in a registry."""
        self.pulumi("state", "unprotect", "--all", "--yes")
        self.stack.destroy(on_output=self.printed.append)
        if login := self.output("claude_auth_volume"):
            docker("volume", "rm", "--force", login, check=False)

    def _clear(self) -> None:
        """Without Pulumi, whose provider waits between its steps; `make down` has tests of its own."""
        login = self.output("claude_auth_volume")
        if containers := self.there():
            docker("rm", "--force", "--volumes", *containers, check=False)
        if networks := self.there(kind="network"):
            docker("network", "rm", *networks)
        if volumes := [*self.there(kind="volume"), *([login] if login else [])]:
            docker("volume", "rm", "--force", *volumes, check=False)
        names = "{{.Repository}}:{{.Tag}}"
        tags = docker("image", "ls", "--filter", f"reference=litellm-claude/*:*-{self.name}", "--format", names)
        if tags:
            docker("image", "rm", *tags.split(), check=False)


@contextlib.contextmanager
def deployment(kind: str, **settings: Any) -> Iterator[Deployment]:
    """A stack configured like ``kind`` (dev or prod) with ``settings`` on top; not deployed yet, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="litellm-claude-") as folder:
        made = Deployment(Path(folder), kind)
        try:
            made.set(**settings)
            yield made
        finally:
            made.remove()
