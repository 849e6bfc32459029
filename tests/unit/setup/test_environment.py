"""The environment that make sets for pulumi."""

import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from setup import environment
from tests.unit.scripts import Copy, ready, salted_state

Exports = Callable[..., dict[str, str]]


def test_a_first_try_needs_no_account(copy: Copy, exports: Exports) -> None:
    assert exports("dev")["PULUMI_BACKEND_URL"] == f"file://{copy.root}/.pulumi-state"
    assert stat.S_IMODE((copy.root / ".pulumi-state").stat().st_mode) == 0o700


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_passphrase_is_made_once_for_its_owner_alone_and_never_printed(
    copy: Copy, exports: Exports, stack: str
) -> None:
    first = copy.run("env.sh", stack)
    path = copy.root / f".pulumi-passphrase-{stack}"
    passphrase = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(passphrase) == 64
    assert passphrase not in first.stdout + first.stderr
    assert str(path) in first.stderr
    assert exports(stack)["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(path)
    assert path.read_text() == passphrase


def made_while(during: Callable[[Path], object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The passphrase of a stack, after something has happened while it was brought to the disk."""
    path = folder / ".pulumi-passphrase-prod"
    monkeypatch.setattr(os, "fsync", lambda _: during(path))
    shell = {"PULUMI_BACKEND_URL": f"file://{folder}"}
    found = environment.exports(folder, "prod", dict.fromkeys(("name", "provider", "salt"), ""), shell)
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(path)
    assert list(folder.glob(".pulumi-passphrase-*")) == [path]
    return path.read_text()


def test_a_passphrase_is_on_the_disk_before_anything_is_encrypted_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would leave its name without it, and what it has encrypted for ever."""
    seen: list[str] = []

    def look(path: Path) -> None:
        seen.extend(one.read_text() for one in path.parent.glob(".pulumi-passphrase-*") if one != path)
        assert not path.exists()

    assert [made_while(look, tmp_path, monkeypatch)] == seen


def test_of_two_first_runs_at_once_one_makes_the_passphrase_and_both_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one's in its place, and the stack could never be opened again."""
    assert made_while(lambda path: path.write_text("of the first"), tmp_path, monkeypatch) == "of the first"
    assert capsys.readouterr().err == ""


def test_a_file_system_without_links_has_a_passphrase_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert len(made_while(Path.exists, tmp_path, monkeypatch)) == 64


@pytest.mark.parametrize("where", ["file", "state"])
def test_a_development_stack_of_an_earlier_version_goes_on_with_its_passphrase(
    copy: Copy, exports: Exports, where: str
) -> None:
    if where == "file":
        (copy.root / "Pulumi.dev.yaml").write_text("config: {}\nencryptionsalt: v1:abc\n")
    else:
        salted_state(copy, "dev")
    path = exports("dev")["PULUMI_CONFIG_PASSPHRASE_FILE"]
    assert Path(path).read_text() == "development"
    assert copy.run("env.sh", "dev").stderr == "", "it is said once"


@pytest.mark.parametrize("name", ["my work", "c#1", "100%25", "a?b", "o'neil", "ünï"])
def test_the_state_stays_in_the_working_copy_whatever_its_path(copy: Copy, name: str) -> None:
    copy.root = copy.root.rename(copy.root.with_name(name))
    asked = copy.root.parent / "asked"
    copy.fake("pulumi", f'printf %s "$PULUMI_BACKEND_URL" >"{asked}"')
    salted_state(copy, "dev")  # found, or the stack would be made
    assert copy.run("preview.sh", "dev").returncode == 0, "no path of ours was cut off"
    assert unquote(urlsplit(asked.read_text()).path) == f"{copy.root}/.pulumi-state"
    assert [call for call in copy.calls() if call.startswith("pulumi ")] == ["pulumi preview --stack dev"]


def test_a_lost_passphrase_is_missed_when_the_state_alone_has_the_salt(copy: Copy) -> None:
    salted_state(copy, "prod")
    result = copy.run("env.sh", "prod")
    assert result.returncode == 1
    assert ".pulumi-passphrase-prod is missing" in result.stderr


def test_a_renamed_stack_still_has_its_passphrase(copy: Copy, exports: Exports) -> None:
    (copy.root / "Pulumi.new.yaml").write_text("config: {}\n")
    old = copy.root / ".pulumi-passphrase-prod"
    old.write_text("of prod")
    volume = "urn:pulumi:new::litellm-claude::litellm-claude:components:C$docker:index/volume:Volume"
    salted_state(copy, "new", {"urn": f"{volume}::litellm-claude-prod-claude-auth"})
    of_new = copy.root / ".pulumi-passphrase-new"
    assert exports("new")["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(of_new)
    assert (of_new.read_text(), of_new.stat().st_mode & 0o777) == ("of prod", 0o600)


def test_a_stack_that_was_renamed_while_it_was_down_is_known_by_its_file(copy: Copy, exports: Exports) -> None:
    (copy.root / "Pulumi.new.yaml").write_text("config:\n  litellm-claude:name: prod\nencryptionsalt: v1:abc\n")
    (copy.root / ".pulumi-passphrase-prod").write_text("of prod")
    exports("new")
    assert (copy.root / ".pulumi-passphrase-new").read_text() == "of prod"


def test_a_shell_that_was_set_up_for_one_stack_is_none_for_another(copy: Copy, exports: Exports) -> None:
    copy.environment |= exports("dev")
    found = exports("prod")
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(copy.root / ".pulumi-passphrase-prod")
    assert found["PULUMI_BACKEND_URL"] == f"file://{copy.root}/.pulumi-state"


WRITES = 'printf "encryptionsalt: v1:abc\\n" >>"${PULUMI_OPTION_CONFIG_FILE:-Pulumi.dev.yaml}"'


@pytest.mark.parametrize("creates", ["exit 0", 'echo "encryptionsalt: v1:abc" >>Pulumi.dev.yaml'])
def test_what_pulumi_writes_of_its_own_accord_changes_no_tracked_file(copy: Copy, creates: str) -> None:
    before = (copy.root / "Pulumi.dev.yaml").read_text()
    copy.fake("pulumi", f'case "$*" in "stack select"*) {creates};; preview*) {WRITES};; esac')
    assert copy.run("preview.sh", "dev").returncode == 0
    assert (copy.root / "Pulumi.dev.yaml").read_text() == before


def test_the_data_key_of_a_key_service_stays_in_the_file(copy: Copy) -> None:
    (copy.root / "Pulumi.dev.yaml").write_text("secretsprovider: awskms://alias/x\n")
    copy.fake("pulumi", f'case "$*" in preview*) {WRITES};; esac')
    assert copy.run("preview.sh", "dev").returncode == 0
    assert "encryptionsalt" in (copy.root / "Pulumi.dev.yaml").read_text()


def test_a_passphrase_made_elsewhere_is_asked_for_not_replaced(copy: Copy) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text("config: {}\nencryptionsalt: v1:abc\n")
    result = copy.run("env.sh", "prod")
    assert result.returncode == 1
    assert "set PULUMI_CONFIG_PASSPHRASE" in result.stderr
    assert not (copy.root / ".pulumi-passphrase-prod").exists()


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_the_users_passphrase_is_respected(copy: Copy, exports: Exports, name: str) -> None:
    copy.environment[name] = "/of/the/user"
    assert not [variable for variable in exports("prod") if "PASSPHRASE" in variable]
    assert not (copy.root / ".pulumi-passphrase-prod").exists()


def test_the_users_backend_is_respected(copy: Copy, exports: Exports) -> None:
    copy.environment["PULUMI_BACKEND_URL"] = "s3://bucket"
    assert "PULUMI_BACKEND_URL" not in exports("dev")
    assert not (copy.root / ".pulumi-state").exists()


def test_a_login_elsewhere_is_respected(copy: Copy, exports: Exports) -> None:
    home = copy.root.parent / "home" / ".pulumi"
    home.mkdir()
    (home / "credentials.json").write_text('{"current": "https://api.pulumi.com"}')
    (copy.root / ".toolchain" / "home").mkdir(parents=True)
    found = exports("prod")
    assert "PULUMI_BACKEND_URL" not in found
    assert found["PULUMI_CREDENTIALS_PATH"] == str(home)
    assert not (copy.root / ".pulumi-passphrase-prod").exists(), "Pulumi Cloud keeps its own secrets"


@pytest.mark.parametrize("url", ["file://~", "file:///var/lib/states?no_tmp_dir=true"])
def test_a_login_to_a_folder_is_looked_after_like_the_working_copys_own(copy: Copy, exports: Exports, url: str) -> None:
    home = copy.root.parent / "home"
    (home / ".pulumi").mkdir()
    (home / ".pulumi" / "credentials.json").write_text(f'{{"current": "{url}"}}')
    assert shlex.split(exports("dev")["PULUMI_BACKEND_URL"]) == [url]
    ready(copy, 'printf "%s\\n" "$@" >>"$HOME/asked"')
    copy.fake("pulumi", "exit 0")
    copy.fake("docker", "exit 0")
    assert copy.run("up.sh", "dev").returncode == 0
    folder = f"{home}/.pulumi" if "~" in url else "/var/lib/states/.pulumi"
    for module in ("ops.look_at_state", "ops.repair_file_backend"):
        assert f"-m\n{module}\n{folder}\ndev\n" in (home / "asked").read_text()


def test_a_backend_in_the_project_file_is_respected(copy: Copy, exports: Exports) -> None:
    (copy.root / "Pulumi.yaml").write_text("name: litellm-claude\nbackend:\n  url: gs://bucket\n")
    assert "PULUMI_BACKEND_URL" not in exports("dev")


def test_another_secrets_provider_needs_no_passphrase(copy: Copy, exports: Exports) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text("secretsprovider: awskms://alias/x\n")
    assert not [variable for variable in exports("prod") if "PASSPHRASE" in variable]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_what_a_backup_was_encrypted_with_is_never_made_up(copy: Copy, stack: str) -> None:
    """While it is restored, its own settings decide, not those of a fresh working copy."""
    (copy.root / "settings").write_text("encryptionsalt: v1:x\n")
    copy.environment["LITELLM_CLAUDE_RESTORE"] = str(copy.root / "settings")
    result = copy.run("env.sh", stack)
    assert result.returncode == 1
    assert f".pulumi-passphrase-{stack} is missing" in result.stderr
    assert not list(copy.root.glob(".pulumi-passphrase-*"))


def test_the_users_pulumi_home_is_respected(copy: Copy, exports: Exports) -> None:
    (copy.root / ".toolchain" / "home").mkdir(parents=True)
    assert exports("dev")["PULUMI_HOME"] == str(copy.root / ".toolchain" / "home")
    copy.environment["PULUMI_HOME"] = "/of/the/user"
    assert "PULUMI_HOME" not in exports("dev")


def test_a_build_leaves_out_what_differs_from_one_build_to_the_next(exports: Exports) -> None:
    assert exports("dev")["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


def test_a_shell_without_a_home_is_that_of_its_user(copy: Copy, exports: Exports) -> None:
    copy.environment.pop("HOME")  # as of cron and systemd
    assert exports("prod")["PULUMI_BACKEND_URL"] == f"file://{copy.root}/.pulumi-state"
    copy.fake("pulumi", 'echo "home ${HOME:-none}, python ${PYTHONPATH:-as it is}"')
    copy.environment["PYTHONPATH"] = "/of/another/project"
    said = copy.run("in_env.sh", "prod", "pulumi").stdout
    assert "python as it is" in said
    assert "home none" not in said


def test_a_folder_for_temporary_files_that_is_none_is_named(copy: Copy) -> None:
    copy.environment["TMPDIR"] = "/nowhere"
    result = copy.run("env.sh", "prod")
    assert (result.returncode, "Fix: unset TMPDIR" in result.stderr) == (1, True)
