"""What scripts read of a stack's file and of Pulumi.yaml, in the forms that YAML has for it."""

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


SALTED = b'{"checkpoint": {"latest": {"secrets_providers": {"state": {"salt": "v1:abc"}}}}}'
PACKED = gzip.compress(SALTED, mtime=0)


@pytest.mark.parametrize("content", [SALTED, PACKED, PACKED[:30], SALTED[:30], b""])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_passphrase_is_not_invented_beside_a_state_that_has_one_or_is_damaged(
    copy: Copy, content: bytes, end: str
) -> None:
    (copy.root / "Pulumi.yaml").write_text(f'name: litellm-claude\nbackend:\n  url: "file://{copy.root}/states"\n')
    folder = copy.root / "states" / ".pulumi" / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    (folder / f"prod.json{end}").write_bytes(content)
    result = copy.run("env.sh", "prod")
    assert (result.returncode, ".pulumi-passphrase-prod is missing" in result.stderr) == (1, True)


@pytest.mark.parametrize("written", FORMS)
@pytest.mark.parametrize(("provider", "asked"), [("awskms://alias/x", False), ("passphrase", True)])
def test_a_secrets_provider_is_known_however_it_is_written(
    copy: Copy, exports: Exports, written: str, provider: str, asked: bool
) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text(f"secretsprovider: {written.format(provider)}\n")
    assert any("PASSPHRASE" in variable for variable in exports("prod")) is asked


HOST = "litellm-claude:dockerHost"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (f"config: {{{HOST}: ssh://ann@far}}\n", "ssh://ann@far"),
        (f"config:\n  a: &host ssh://ann@far\n  {HOST}: *host\n", "ssh://ann@far"),
        (f"x: &x\n  {HOST}: ssh://ann@far\nconfig:\n  <<: *x\n", "ssh://ann@far"),
        (f"config:\n  {HOST}: >-\n    ssh://ann@far\n", "ssh://ann@far"),
        (f"---\nconfig:\n  {HOST}: ssh://ann@far\n---\nconfig: {{}}\n", "ssh://ann@far"),
        ("\ufeff# ours\r\nconfig:\r\n    dockerHost: ssh://ann@far\r\n", "ssh://ann@far"),
        (f"config:\n  litellm-claude:clients:\n    dockerHost: {{}}\n  {HOST}:\n", None),
        ("config: {  }\n", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_engine_is_the_one_that_pulumi_reads(
    copy: Copy, exports: Exports, text: str, host: str | None, encoding: str
) -> None:
    """The update went to one engine, and all that looks after it to another."""
    (copy.root / "Pulumi.prod.yaml").write_text(text, encoding=encoding, newline="")
    assert exports("prod").get("DOCKER_HOST") == host


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"config:\n\t{HOST}: ssh://ann@far\n",
            ", line 2, is no YAML that Pulumi takes: found character that cannot start any token",
        ),
        (f"config:\n  {HOST}: a\n  {HOST}: b\n", f", line 3, is no YAML that Pulumi takes: {HOST} stands there twice"),
        ("config: {}\n<<<<<<< HEAD\nconfig: {}\n=======\n", ", line 3, is"),
        ("- config\n", ", line 1, is no YAML that Pulumi takes: settings belong here, below `config:`"),
        ("config:\n  - a\n", ", line 2, is no YAML that Pulumi takes: settings belong here, each with its name"),
        ("config: none\n", ", line 1, is no YAML that Pulumi takes: settings belong here, each with its name"),
        (b"# x\n# gr\xfc\xdfe\n", ", line 2, is no YAML that Pulumi takes: invalid "),
        (f"config:\n  {HOST}:\n    secure: v1:abc\n", "Pulumi.prod.yaml: dockerHost is encrypted (secure:), or a list"),
        (
            "config:\n  orchestrator: [swarm]\n",
            "Fix: write it into Pulumi.prod.yaml as one word, in the clear: orchestrator:",
        ),
    ],
)
def test_a_file_that_pulumi_or_the_scripts_cannot_use_is_told_before_any_engine_is_asked(
    copy: Copy, text: str | bytes, said: str
) -> None:
    (copy.root / "Pulumi.prod.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    copy.fake("docker", "exit 0")
    for script in ("env.sh", "engine.sh", "up.sh"):
        done = copy.run(script, "prod")
        assert (done.returncode, done.stderr.count("\n"), copy.calls()) == (1, 1, []), done.stderr
        assert said in done.stderr


@pytest.mark.parametrize("packages", [True, False])
def test_without_the_python_that_reads_it_the_command_is_named(copy: Copy, packages: bool) -> None:
    python = copy.root / ".venv" / "bin" / "python"
    python.unlink()
    if packages:
        python.symlink_to(shutil.which("false") or "")
    done = copy.run("env.sh", "prod")
    assert (done.returncode, "Fix: make setup-python" in done.stderr) == (1, True)
    assert not (copy.root / ".pulumi-state").exists()
