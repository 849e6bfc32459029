"""What a shell may have set, or lack."""

import subprocess

import pytest

from tests.unit.scripts import Copy


def test_a_shell_with_a_cdpath_finds_the_working_copy(copy: Copy) -> None:
    """With it, `cd setup/..` prints where it went, or goes to another folder of that name."""
    copy.environment["CDPATH"] = f".:{copy.root.parent}"
    done = copy.started("setup/in_env.sh", "dev", "bash", "-c", "pwd")
    assert done.stdout.strip() == str(copy.root), done.stderr


def test_an_empty_passphrase_file_is_none(copy: Copy) -> None:
    path = copy.root / ".pulumi-passphrase-dev"
    path.touch()
    assert copy.run("env.sh", "dev").returncode == 0
    assert len(path.read_text()) == 64


def test_what_a_shell_has_for_other_engines_and_programs_is_not_for_these(copy: Copy) -> None:
    """The container that hands over a login's files would be looked for on a registry, or be refused."""
    copy.environment |= {"DOCKER_DEFAULT_PLATFORM": "linux/arm64", "DOCKER_CONTENT_TRUST": "1"}
    copy.environment |= {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONINSPECT": "1"}
    seen = copy.run("in_env.sh", "dev", "env").stdout
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in seen
    assert "DOCKER_" not in seen
    assert "PYTHON" not in seen


@pytest.mark.parametrize(("has_its_packages", "made"), [(True, False), (False, True)])
def test_an_environment_of_an_earlier_python_is_made_anew(copy: Copy, has_its_packages: bool, made: bool) -> None:
    """The system's Python was upgraded: the same link starts another one, which looks for packages elsewhere."""
    python = copy.root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/bash\n[[ "$*" != *find_spec* ]] || exit {int(not has_its_packages)}\n')
    python.chmod(0o755)
    for name in ("requirements.lock", ".venv/.installed-requirements.lock"):
        (copy.root / name).write_text("package==1.0\n")
    copy.fake("python3", "exit 0")
    assert copy.run("python.sh", "requirements.lock").returncode == 0
    assert any("-m venv --clear" in call for call in copy.calls()) is made


def test_a_folder_for_temporary_files_that_is_full_is_named(copy: Copy) -> None:
    copy.fake("cp", "echo 'cp: No space left on device' >&2; exit 1")
    result = copy.run("up.sh", "dev")
    assert result.returncode == 1
    assert "nothing can be written to /tmp (see above). Make room there" in result.stderr


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_a_closed_channel_is_one_that_nobody_reads(copy: Copy, closed: str) -> None:
    command = f"setup/in_env.sh dev bash -c 'echo said; echo said >&2; touch done' {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=copy.root, env=copy.environment, check=False, timeout=60)
    assert done.returncode == 0
    assert (copy.root / "done").exists()


@pytest.mark.parametrize("hangs", [False, True])
def test_what_macos_lacks_of_gnus_tools_is_no_silent_engine(copy: Copy, hangs: bool) -> None:
    """Without `timeout` each engine seemed to be silent; and one that is silent must still be waited for no longer."""
    for name in ("timeout", "sha256sum"):
        (copy.bin / name).unlink()
    (copy.bin / "perl").symlink_to("/usr/bin/perl")
    copy.fake("docker", f"trap '' ALRM; {'exec sleep 60' if hangs else 'echo 27.0.0'}")
    script = copy.root / "setup" / "engine.sh"
    script.write_text(script.read_text().replace("timeout 20 ", "timeout 1 "))
    copy.environment["SETUP_ASSUME_UID"] = "1000"
    result = copy.run("engine.sh")
    assert (result.returncode, "no Docker engine answers" in result.stderr) == (int(hangs), hangs), result.stderr


def test_a_working_copy_is_told_from_another_by_what_macos_has_for_a_digest(copy: Copy) -> None:
    (copy.bin / "sha256sum").unlink()
    copy.fake("shasum", 'cat >/dev/null; echo "0a1b  -"')
    done = copy.started("bash", "-c", ". setup/lib.sh; echo text | sha256sum")
    assert (done.stdout, done.stderr) == ("0a1b  -\n", "")
    assert copy.calls() == ["shasum -a 256"]
