"""What a shell may have set, and two of them at once."""

import subprocess

from tests.unit.setup.conftest import Copy


def test_a_shell_with_a_cdpath_finds_the_working_copy(copy: Copy) -> None:
    """With it, `cd setup/..` prints where it went, or goes to another folder of that name."""
    copy.environment["CDPATH"] = f".:{copy.root.parent}"
    done = subprocess.run(
        ["setup/in_env.sh", "dev", "bash", "-c", "pwd"],
        cwd=copy.root,
        env=copy.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == str(copy.root), done.stderr


def test_of_two_first_runs_at_once_one_makes_the_passphrase_and_both_take_it(copy: Copy) -> None:
    """The second one's in its place, and the stack could never be opened again."""
    path = copy.root / ".pulumi-passphrase-dev"
    # Between the look and the making, which od is part of, another one comes by.
    copy.fake("od", f"cat >/dev/null; echo of-the-first >'{path}'; echo of-the-second")
    done = copy.run("env.sh", "dev")
    assert done.returncode == 0, done.stderr
    assert path.read_text().strip() == "of-the-first"
    assert "made a random passphrase" not in done.stderr
    assert [one.name for one in copy.root.glob(".pulumi-passphrase-*")] == [path.name]


def test_an_empty_passphrase_file_is_none(copy: Copy) -> None:
    path = copy.root / ".pulumi-passphrase-dev"
    path.touch()
    assert copy.run("env.sh", "dev").returncode == 0
    assert len(path.read_text()) == 64
