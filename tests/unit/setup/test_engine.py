"""The Docker engine: what is done without one, and what is said."""

import re
from collections.abc import Callable

import pytest

from rules.layout import IMAGES
from tests.unit.scripts import Copy


@pytest.fixture
def user(copy: Copy) -> Copy:
    """Somebody who is not root."""
    copy.environment["SETUP_ASSUME_UID"] = "1000"
    return copy


def silent(copy: Copy, message: str) -> None:
    """A docker client whose engine does not answer."""
    copy.fake("docker", f'[ "$1" != context ] || exit 0; echo "{message}" >&2; exit 1')


def test_an_engine_that_answers_is_used_in_silence(copy: Copy) -> None:
    copy.fake("docker", "echo 27.0.0")
    result = copy.run("engine.sh")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_an_api_version_of_the_shell_that_the_engine_does_not_speak_is_named(copy: Copy) -> None:
    silent(copy, "Error response from daemon: client version 1.20 is too old. Minimum supported API version is 1.44")
    copy.environment |= {"DOCKER_API_VERSION": "1.20", "SETUP_ASSUME_UID": "0"}
    result = copy.run("engine.sh")
    assert result.returncode == 1
    assert "Fix: unset DOCKER_API_VERSION" in result.stderr


def test_without_permission_it_names_the_group_and_sudo(user: Copy) -> None:
    silent(user, "Got permission denied while trying to connect to the Docker daemon socket")
    result = user.run("engine.sh")
    assert result.returncode == 1
    assert "usermod -aG docker" in result.stderr
    assert "sudo" in result.stderr


def test_without_an_engine_and_without_root_it_says_what_to_do(user: Copy) -> None:
    silent(user, "Cannot connect to the Docker daemon")
    result = user.run("engine.sh")
    assert result.returncode == 1
    assert "no Docker engine answers. Start it" in result.stderr


def test_a_remote_engine_that_does_not_answer_is_never_replaced_by_a_local_one(copy: Copy) -> None:
    silent(copy, "Cannot connect to the Docker daemon")
    copy.fake("apt-get", "exit 0")
    copy.environment |= {"DOCKER_HOST": "tcp://192.0.2.1:2376", "SETUP_ASSUME_UID": "0"}
    result = copy.run("engine.sh")
    assert result.returncode == 1
    assert "DOCKER_HOST=tcp://192.0.2.1:2376" in result.stderr
    assert not [call for call in copy.calls() if call.startswith("apt-get")]


@pytest.mark.parametrize(("version", "written"), [("20.10.24", True), ("28.2.2", False)])
def test_root_gets_an_engine_with_ipv6_nat(copy: Copy, version: str, written: bool) -> None:
    copy.fake("docker", f'[ "$1" = version ] || exit 0; [ -e "{copy.root}/started" ] || exit 1; echo {version}')
    copy.fake("dockerd", f'[ "$1" != --version ] || {{ echo "Docker version {version}, build x"; exit 0; }}')
    copy.fake("setsid", f'touch "{copy.root}/started"')
    copy.fake("systemctl", f'touch "{copy.root}/started"')
    for name in ("iptables", "ip6tables", "apt-get"):
        copy.fake(name, "exit 0")
    daemon_json = copy.root / "daemon.json"
    copy.environment |= {
        "SETUP_ASSUME_UID": "0",
        "SETUP_DAEMON_JSON": str(daemon_json),
        "SETUP_DOCKERD_LOG": str(copy.root / "log"),
    }
    result = copy.run("engine.sh")
    assert result.returncode == 0, result.stderr
    assert f"the Docker engine {version} answers" in result.stderr
    assert daemon_json.exists() == written


def test_a_daemon_json_of_the_user_is_left_alone(copy: Copy) -> None:
    test_root_gets_an_engine_with_ipv6_nat(copy, "28.2.2", written=False)
    (copy.root / "started").unlink()
    copy.fake("dockerd", 'echo "Docker version 20.10.24"')
    daemon_json = copy.root / "daemon.json"
    daemon_json.write_text("{}")
    copy.run("engine.sh")
    assert daemon_json.read_text() == "{}"


def test_no_base_image_and_no_root_says_how_to_get_one(user: Copy) -> None:
    user.fake("docker", "exit 1")
    result = user.run("base_image.sh")
    assert result.returncode == 1
    assert "sudo apt-get install mmdebstrap uidmap debian-archive-keyring" in result.stderr
    fix = r"'docker pull (debian@sha256:[0-9a-f]{64})' and 'docker tag (\S+) debian:trixie-slim'"
    found = re.search(fix, result.stderr)
    assert found
    assert found[1] == found[2]


def test_the_base_image_is_pulled_by_its_digest(user: Copy) -> None:
    """A registry's tag can be moved to anything, content by its digest cannot; the Dockerfiles find it by the tag."""
    user.fake("docker", '[ "$1" != image ]')
    result = user.run("base_image.sh")
    assert result.returncode == 0, result.stderr
    pulled, tagged = (call for call in user.calls() if call.startswith(("docker pull", "docker tag")))
    digest = pulled.split()[-1]
    assert re.fullmatch(r"debian@sha256:[0-9a-f]{64}", digest)
    assert tagged == f"docker tag {digest} debian:trixie-slim"
    started = [line for file in IMAGES.glob("*/Dockerfile") for line in file.read_text().splitlines() if "FROM" in line]
    assert {line.split()[1] for line in started} == {"debian:trixie-slim"}


def remote(copy: Copy) -> None:
    """The production stack has an engine of its own, which does not answer."""
    (copy.root / "Pulumi.prod.yaml").write_text(
        "config:\n  litellm-claude:dockerHost: ssh://ops@gateway.example.org\n  litellm-claude:dockerCertPath: /certs\n"
    )
    copy.fake("docker", 'echo "$DOCKER_HOST $DOCKER_CERT_PATH $DOCKER_TLS_VERIFY" >&2; exit 1')


def test_a_stacks_own_engine_is_the_one_that_is_looked_at(copy: Copy, exports: Callable[[str], dict[str, str]]) -> None:
    remote(copy)
    result = copy.run("engine.sh", "organisation/litellm-claude/prod")
    assert result.returncode == 1
    assert "DOCKER_HOST=ssh://ops@gateway.example.org (ssh://ops@gateway.example.org /certs 1)" in result.stderr
    assert "pulumi config rm dockerHost --stack organisation/litellm-claude/prod" in result.stderr
    exported = exports("prod")
    assert exported["DOCKER_HOST"] == "ssh://ops@gateway.example.org"
    assert (exported["DOCKER_CERT_PATH"], exported["DOCKER_TLS_VERIFY"]) == ("/certs", "1")
    assert "DOCKER_HOST" not in exports("dev")


@pytest.mark.parametrize(
    "written",
    ["unix:///run/far.sock", '"unix:///run/far.sock"', "'unix:///run/far.sock' # old", "unix:///run/far.sock # old\r"],
)
def test_an_engine_is_read_as_yaml_has_it(copy: Copy, exports: Callable[[str], dict[str, str]], written: str) -> None:
    (copy.root / "Pulumi.prod.yaml").write_text(f"config:\r\n  litellm-claude:dockerHost: {written}\n", newline="")
    assert exports("prod")["DOCKER_HOST"] == "unix:///run/far.sock"


def context(copy: Copy, answers: int) -> None:
    """A docker client in whose configuration another context than the default one is in use."""
    folder = copy.root.parent / "home" / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text('{"currentContext": "far"}')
    copy.fake(
        "docker",
        '[ -z "${DOCKER_HOST:-}" ] && name=far || name=default\n'  # as docker's client has it
        'case "$*" in "context inspect --format {{.Name}}") echo "$name";; '
        '"context inspect"*) echo "unix:///run/far.sock <IN MEMORY>/docker";;'
        f' *) echo "at $DOCKER_HOST" >&2; exit {answers};; esac',
    )


def test_the_context_in_use_is_the_engine_for_pulumi_too(copy: Copy, exports: Callable[[str], dict[str, str]]) -> None:
    context(copy, 0)
    assert exports("dev")["DOCKER_HOST"] == "unix:///run/far.sock"
    assert "DOCKER_CERT_PATH" not in exports("dev")
    copy.environment["DOCKER_HOST"] = "unix:///run/mine.sock"
    assert "DOCKER_HOST" not in exports("dev")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_context_of_the_shell_does_not_reach_pulumi(copy: Copy, stack: str) -> None:
    """Its provider prefers it to the host, also to that of dockerHost, and looks for it in a folder of its own."""
    remote(copy)
    context(copy, 0)
    copy.environment["DOCKER_CONTEXT"] = "far"
    told = copy.run("env.sh", stack).stdout.splitlines()
    engine = {"dev": "unix:///run/far.sock", "prod": "ssh://ops@gateway.example.org"}[stack]
    assert f"export DOCKER_HOST={engine}" in told
    assert "unset DOCKER_CONTEXT" in told
    del copy.environment["DOCKER_CONTEXT"]
    assert "unset" not in copy.run("env.sh", stack).stdout


def test_a_context_that_does_not_answer_is_named(copy: Copy) -> None:
    context(copy, 1)
    result = copy.run("engine.sh", "dev")
    assert result.returncode == 1
    assert "in the docker context 'far': at unix:///run/far.sock" in result.stderr
    assert "docker context use default" in result.stderr


@pytest.mark.parametrize("stack", ["dev", "", "nowhere"])
def test_another_stack_has_this_machines_own_engine(copy: Copy, stack: str) -> None:
    remote(copy)
    copy.fake("docker", 'echo "${DOCKER_HOST:-local}" >"$HOME/asked"')
    assert copy.run("engine.sh", stack).returncode == 0
    assert (copy.root.parent / "home" / "asked").read_text() == "local\n"


@pytest.mark.parametrize(
    ("name", "value"), [("DOCKER_CONTEXT", "nope"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CONFIG", "/nowhere")]
)
def test_what_keeps_the_shell_from_an_engine_that_is_there_is_named_and_none_is_started(
    copy: Copy, name: str, value: str
) -> None:
    copy.fake("docker", f'[ -n "${{{name}:-}}" ] || exit 0; echo "that does not work"; exit 1')
    copy.environment[name] = value
    result = copy.run("engine.sh", "dev")
    assert result.returncode == 1
    assert f"that does not work. Fix: unset {name}" in result.stderr
    assert not [call for call in copy.calls() if not call.startswith("docker")]


def test_an_api_version_older_than_what_is_asked_is_named(copy: Copy) -> None:
    copy.fake("docker", "exit 0")
    copy.environment["DOCKER_API_VERSION"] = "1.12"
    result = copy.run("engine.sh", "dev")
    assert (result.returncode, "Fix: unset DOCKER_API_VERSION" in result.stderr) == (1, True)
    copy.environment["DOCKER_API_VERSION"] = "1.41"
    assert copy.run("engine.sh", "dev").returncode == 0
