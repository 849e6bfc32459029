"""Which way set-up takes to the Pulumi CLI and its plugins."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.scripts import Copy

BUILD = """
mkdir -p "$1/bin" "$1/plugins"
if [ "$2" = cli ]; then
  printf '%s\\n' '#!/bin/bash' '[ "$1" != plugin ] || [ "${{7:-}}" != --file ] && exit' \\
    'mkdir -p "$PULUMI_HOME/plugins/resource-$4-v$5"; cp "$8" "$PULUMI_HOME/plugins/resource-$4-v$5"' >"$1/bin/pulumi"
  touch "$1"/bin/pulumi-language-python{,-exec}
  chmod +x "$1"/bin/*
else
  version=$(sed -n "s/^pulumi-$2==//p" requirements.in)
  printf '#!/bin/bash\\necho %s\\n' "$version" >"$1/plugins/pulumi-resource-$2"
  chmod +x "$1/plugins/pulumi-resource-$2"
fi
"""


def pulumi(copy: Copy, version: str, plugins: str = "exit 0") -> None:
    """A pulumi on PATH, of that version, whose plugin download does what `plugins` says."""
    body = f'case "$*" in version) echo {version};; *--file*) exit 0;; "plugin install"*) {plugins};; esac'
    copy.fake("pulumi", body)
    copy.fake("pulumi-language-python", "")


@pytest.fixture
def offline(copy: Copy) -> Copy:
    """No download site answers, but the module proxy does."""
    copy.fake("curl", "exit 7")
    copy.fake("go", "echo go version go1.26.8 linux/amd64")
    script = copy.root / "toolchain" / "build.sh"
    script.write_text(f'#!/bin/bash\necho "build $2" >>"{copy.root}/calls"\n{BUILD}')
    script.chmod(0o755)
    return copy


def builds(copy: Copy) -> list[str]:
    """What was built, in order."""
    return [call.removeprefix("build ") for call in copy.calls() if call.startswith("build ")]


@pytest.mark.parametrize("version", ["v3.200.0", "v3.274.1"])
def test_a_fitting_pulumi_on_path_is_taken(offline: Copy, version: str) -> None:
    pulumi(offline, version)
    result = offline.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert "which is on PATH" in result.stderr
    assert "plugins: downloaded" in result.stderr
    assert builds(offline) == []


@pytest.mark.parametrize("version", ["v3.199.9", "v2.300.0", "v4.0.0", "nonsense"])
def test_a_pulumi_that_does_not_fit_is_not_taken(offline: Copy, version: str) -> None:
    pulumi(offline, version)
    result = offline.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert "which is on PATH" not in result.stderr
    assert builds(offline) == ["cli", "docker", "random", "tls"]


def test_the_official_installer_is_taken_when_its_site_answers(copy: Copy) -> None:
    installer = 'mkdir -p "$4/bin"; printf "#!/bin/bash\\nexit 0\\n" >"$4/bin/pulumi"; chmod +x "$4/bin/pulumi"'
    copy.fake("curl", f"cat <<'END'\n{installer}\nEND")
    result = copy.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert "from Pulumi's own installer" in result.stderr
    assert any("--connect-timeout 5" in call for call in copy.calls())


def test_without_a_site_all_is_built_into_a_home_of_the_working_copy(offline: Copy) -> None:
    result = offline.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert builds(offline) == ["cli", "docker", "random", "tls"]
    assert "it is built from the Go module proxy" in result.stderr
    assert f"Pulumi plugins: built, in {offline.root}/.toolchain/home" in result.stderr


def test_plugins_alone_are_built_when_only_their_download_fails(offline: Copy) -> None:
    pulumi(offline, "v3.250.0", plugins="exit 1")
    result = offline.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert builds(offline) == ["docker", "random", "tls"]


def test_a_second_run_does_nothing_and_a_change_of_the_toolchain_builds_again(offline: Copy) -> None:
    offline.run("pulumi.sh")
    before = offline.calls()
    second = offline.run("pulumi.sh")
    assert (second.stdout, second.stderr, offline.calls()) == ("", "", before)
    (offline.root / "toolchain" / "new.go").write_text("package main\n")
    offline.run("pulumi.sh")
    assert builds(offline) == ["cli", "docker", "random", "tls"] * 2


def test_plugins_that_were_removed_are_installed_again(offline: Copy) -> None:
    offline.run("pulumi.sh")
    (random,) = (offline.root / ".toolchain" / "home" / "plugins").glob("resource-random-*")
    shutil.rmtree(random)
    offline.run("pulumi.sh")
    assert random.is_dir()
    assert builds(offline) == ["cli", "docker", "random", "tls"], "what is built is kept"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "mishap", [cut, lambda path: path.write_bytes(b""), Path.unlink, lambda path: path.chmod(0o644)]
)
@pytest.mark.parametrize(
    ("path", "built"),
    [("bin/pulumi", ["cli"]), ("plugins/pulumi-resource-tls", ["tls"]), ("home/plugins/resource-random-*/*", [])],
)
def test_what_was_cut_deleted_or_cannot_be_started_is_put_here_again(
    offline: Copy, path: str, built: list[str], mishap: Callable[[Path], object]
) -> None:
    """A full disk, a power cut, a restored backup: the stack's update would end with an "exec format error"."""
    offline.run("pulumi.sh")
    before = len(builds(offline))
    (damaged,) = (offline.root / ".toolchain").glob(path)
    whole = damaged.read_bytes()
    mishap(damaged)
    result = offline.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    (damaged,) = (offline.root / ".toolchain").glob(path)
    assert damaged.read_bytes() == whole
    assert os.access(damaged, os.X_OK)
    assert builds(offline)[before:] == built
    assert offline.run("pulumi.sh").stderr == ""


def test_what_an_earlier_version_put_here_is_taken_as_it_is(offline: Copy) -> None:
    offline.run("pulumi.sh")
    (offline.root / ".toolchain" / "pulumi.sizes").unlink()
    assert offline.run("pulumi.sh").stderr == ""
    cut(offline.root / ".toolchain" / "bin" / "pulumi")
    assert "bin/pulumi is not as it was put here" in offline.run("pulumi.sh").stderr


def test_an_interrupted_build_goes_on_where_it_stopped(offline: Copy) -> None:
    script = offline.root / "toolchain" / "build.sh"
    whole = script.read_text()
    script.write_text(whole.replace(BUILD, '[ "$2" != random ] || [ -e fixed ] || exit 1\n' + BUILD))
    first = offline.run("pulumi.sh")
    assert first.returncode == 1
    assert "run make again to go on" in first.stderr
    (offline.root / "fixed").touch()
    assert offline.run("pulumi.sh").returncode == 0
    assert builds(offline) == ["cli", "docker", "random", "random", "tls"]


def test_built_plugins_go_into_the_users_own_pulumi_home(offline: Copy) -> None:
    offline.environment["PULUMI_HOME"] = str(offline.root / "theirs")
    result = offline.run("pulumi.sh")
    assert f"built, in {offline.root}/theirs" in result.stderr
    assert not (offline.root / ".toolchain" / "home").exists()


def test_no_go_and_no_root_says_what_to_install(offline: Copy) -> None:
    (offline.bin / "go").unlink()
    offline.environment["SETUP_ASSUME_UID"] = "1000"
    result = offline.run("pulumi.sh")
    assert result.returncode == 1
    assert "needs Go" in result.stderr
