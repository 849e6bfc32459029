"""A Python environment of which a part was deleted or cut: the next make has it as it was installed."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.unit.scripts import Copy

PACKAGE = Path("lib") / "site-packages" / "package"
MODULES = ("__init__.py", "core.so")


@pytest.fixture
def environment(copy: Copy) -> Path:
    """One that was set up; pip puts a package there, and the Python that looks after it is a real one."""
    (copy.root / "requirements.lock").write_text("package==1.0\n")
    shutil.rmtree(copy.root / ".venv")
    python = f"""
case "$*" in
  *installed.py*) exec {sys.executable} "$@" ;;
  *"-m venv"*) mkdir -p "${{!#}}/bin" && cp "{copy.bin}/python3" "${{!#}}/bin/python" ;;
  *"pip install"*)
    [ ! -e "{copy.root}/offline" ] || exit 1
    mkdir -p "{copy.root}/.venv/{PACKAGE}"
    for name in {" ".join(MODULES)}; do echo whole >"{copy.root}/.venv/{PACKAGE}/$name"; done ;;
esac"""
    copy.fake("python3", python)
    assert set_up(copy)
    assert set_up(copy) == ""
    return copy.root / ".venv"


def set_up(copy: Copy, status: int = 0) -> str:
    done = copy.run("python.sh", "requirements.lock")
    assert done.returncode == status, done.stderr
    return done.stderr


def whole(environment: Path) -> bool:
    return all((environment / PACKAGE / name).read_text() == "whole\n" for name in MODULES)


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        (shutil.rmtree, "__init__.py is missing, and 1 more)"),
        (lambda package: (package / "core.so").unlink(), "core.so is missing)"),
        (lambda package: (package / "core.so").write_bytes(b""), "core.so has another size)"),
    ],
)
def test_what_was_deleted_or_cut_is_installed_again(copy: Copy, environment: Path, mishap: object, said: str) -> None:
    mishap(environment / PACKAGE)  # type: ignore[operator]
    assert said in set_up(copy)
    assert whole(environment)
    assert set_up(copy) == ""
    assert not list((copy.root / ".toolchain").glob("*.damaged"))


def test_what_came_later_is_not_damage(environment: Path, copy: Copy) -> None:
    (environment / PACKAGE / "__pycache__").mkdir()
    (environment / PACKAGE / "__pycache__" / "core.pyc").write_text("compiled")
    (environment / PACKAGE.parent / "of_the_users_own.py").write_text("")
    assert set_up(copy) == ""


def test_an_environment_of_an_earlier_version_is_taken_as_it_is(environment: Path, copy: Copy) -> None:
    (environment / ".files").unlink()
    assert set_up(copy) == ""
    (environment / PACKAGE / "core.so").unlink()
    assert "core.so is missing" in set_up(copy)


@pytest.mark.parametrize("text", ["", "no list\n"])
def test_a_list_that_is_none_is_made_anew(environment: Path, copy: Copy, text: str) -> None:
    (environment / ".files").write_text(text)
    assert set_up(copy) == ""
    assert f"6 {PACKAGE}/core.so\n" in (environment / ".files").read_text()


def test_what_cannot_be_installed_again_now_stays_as_it_was(environment: Path, copy: Copy) -> None:
    """A machine without a network has only lost what is damaged; other commands may do without that."""
    (environment / PACKAGE / "core.so").unlink()
    (copy.root / "offline").touch()
    assert "pip could not install" in set_up(copy, status=1)
    assert (environment / PACKAGE / "__init__.py").exists()
    (copy.root / "offline").unlink()
    set_up(copy)
    assert whole(environment)


def test_a_shells_settings_for_pip_say_where_packages_come_from_and_not_where_they_go(
    copy: Copy, environment: Path
) -> None:
    """With a target of the shell's the environment was empty, and taken for whole by each later make."""
    python = (environment / "bin" / "python").read_text()
    (environment / "bin" / "python").write_text(python.replace('case "$*"', f'env >"{copy.root}/seen"\ncase "$*"'))
    shutil.rmtree(environment / PACKAGE)
    copy.fake("python3", (environment / "bin" / "python").read_text())
    copy.environment |= {f"PIP_{name}": "/else" for name in ("TARGET", "PREFIX", "ROOT", "DRY_RUN", "INDEX_URL")}
    copy.environment["PIP_USER"] = "1"
    set_up(copy)
    seen = {line for line in (copy.root / "seen").read_text().splitlines() if line.startswith("PIP_")}
    assert seen == {"PIP_INDEX_URL=/else", "PIP_USER=0"}


def test_packages_that_pip_has_put_elsewhere_are_not_taken_for_installed(copy: Copy, environment: Path) -> None:
    (environment / PACKAGE / "core.so").unlink()
    python = (environment / "bin" / "python").read_text()
    copy.fake("python3", python.replace('case "$*" in', 'case "$*" in\n  *"pip show"*) exit 1 ;;'))
    for _ in range(2):
        assert "pip has put the packages of requirements.lock elsewhere" in set_up(copy, 1)
