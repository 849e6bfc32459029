"""What set-up reads before Python can read YAML, in the forms that YAML has for it."""

import gzip
import shlex
import shutil
from collections.abc import Callable

import pytest

from tests.unit.scripts import Copy

Exports = Callable[..., dict[str, str]]
FORMS = ['"{}"', "'{}'", "{} # ours", "{}\r", "{}  "]


@pytest.mark.parametrize("written", FORMS)
def test_a_folder_that_the_project_names_is_looked_after_however_it_is_written(
    copy: Copy, exports: Exports, written: str
) -> None:
    url = f"file://{copy.root}/states"
    (copy.root / "Pulumi.yaml").write_text(f"name: litellm-claude\nbackend:\n  url: {written.format(url)}\n")
    assert shlex.split(exports("dev")["PULUMI_BACKEND_URL"]) == [url]


@pytest.mark.parametrize("packed", [False, True])
def test_a_passphrase_is_not_invented_beside_a_state_that_has_one(copy: Copy, packed: bool) -> None:
    (copy.root / "Pulumi.yaml").write_text(f'name: litellm-claude\nbackend:\n  url: "file://{copy.root}/states"\n')
    folder = copy.root / "states" / ".pulumi" / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    state = b'{"secrets_providers": {"state": {"salt": "v1:abc"}}}'
    if packed:
        (copy.bin / "gzip").symlink_to(shutil.which("gzip") or "")
    (folder / f"prod.json{'.gz' * packed}").write_bytes(gzip.compress(state) if packed else state)
    result = copy.run("env.sh", "prod")
    assert (result.returncode, ".pulumi-passphrase-prod is missing" in result.stderr) == (1, True)


@pytest.mark.parametrize("written", FORMS)
@pytest.mark.parametrize(("provider", "asked"), [("awskms://alias/x", False), ("passphrase", True)])
def test_a_secrets_provider_is_known_however_it_is_written(
    copy: Copy, exports: Exports, written: str, provider: str, asked: bool
) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text(f"secretsprovider: {written.format(provider)}\n")
    assert any("PASSPHRASE" in variable for variable in exports("prod")) is asked


@pytest.mark.parametrize("client", ["name", "orchestrator"])
def test_a_client_is_not_taken_for_a_setting_of_its_name(copy: Copy, client: str) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text(
        f"config:\n  litellm-claude:clients:\n    {client}: swarm\n  litellm-claude:port: 443\n"
    )
    script = copy.root / "setup" / "shown.sh"
    script.write_text(f'#!/bin/bash\n. "$(dirname "$0")/lib.sh"\nscalar "$root/Pulumi.prod.yaml" {client}\n')
    script.chmod(0o755)
    assert copy.run("shown.sh").stdout.strip() == ""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("config: {litellm-claude:dockerHost: ssh://ann@far}\n", False),
        ("config:\n  a: &host ssh://ann@far\n  litellm-claude:dockerHost: *host\n", False),
        ("config:\n  litellm-claude:dockerHost:\n    secure: v1:abc\n", False),
        ("config:\n  litellm-claude:orchestrator: >-\n    swarm\n", False),
        ("config: {}\n", True),
        ("config: {  }\n", True),
        ("", True),
        ("config:\n  litellm-claude:clients:\n    name:\n      models: [a]\n", True),
        ("config:\n  litellm-claude:clients: {dockerHost: {}}\n  litellm-claude:dockerHost: ssh://ann@far\n", True),
    ],
)
def test_a_form_that_set_up_does_not_read_is_told_before_another_engine_is_asked(
    copy: Copy, text: str, read: bool
) -> None:
    """Pulumi reads it: the update went to one engine, and all that looks after it to another."""
    (copy.root / "Pulumi.prod.yaml").write_text(text)
    done = copy.run("env.sh", "prod")
    told = "Pulumi.prod.yaml has its settings in braces, or one of dockerHost, dockerCertPath, orchestrator, name not"
    assert (done.returncode, told in done.stderr) == ((0, False) if read else (1, True)), done.stderr


@pytest.mark.parametrize(
    "start", ["config:\n", "\ufeffconfig:\n", "config:\r\n\r\n", "# ours\nconfig:\n\n# ours\n", "config: # x\n"]
)
@pytest.mark.parametrize("indent", ["  ", "    "])
@pytest.mark.parametrize("key", ["litellm-claude:dockerHost", "dockerHost"])
def test_a_setting_is_found_however_it_is_indented(
    copy: Copy, exports: Exports, start: str, indent: str, key: str
) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text(
        f"{start}{indent}litellm-claude:port: 1\n{indent}{key}: ssh://ann@far\n"
    )
    assert exports("prod")["DOCKER_HOST"] == "ssh://ann@far"
