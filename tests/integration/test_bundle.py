"""`make bundle`, and `make up BUNDLE=` on a machine that has an engine with nothing in it, and no route anywhere."""

import contextlib
import gzip
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import trustme
import yaml

from testbed.fakes.internet import UPSTREAM
from testbed.hosts import ROOT, lonely
from tests.integration.engines import SecondEngine, second_engine
from tests.integration.new_project import Project, clone

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]  # 600 MB are packed, carried over, and unpacked

# Debian's newer engine with the other image store too; `make test-engine` sets it.
ENGINES = [("", False), ("sid", True)] if os.environ.get("NEWER_ENGINES") else [("", False)]
CANARY = "canary-5f1c2a-that-is-in-no-bundle"


class Alone:
    """A working copy on that machine, used by somebody who has docker, make and Python."""

    def __init__(self, engine: SecondEngine, folder: Path) -> None:
        self.engine = engine
        self.copy = clone(folder / "copy")
        (folder / "home").mkdir()
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "DOCKER_HOST": engine.url,
        }
        self._project = Project(self.copy, "dev", environment)

    def run(self, *command: str, status: int = 0) -> str:
        """Returns what the command printed there."""
        return self._project.run("ip", "netns", "exec", self.engine.machine.name, *command, status=status, seconds=900)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of a working copy that has secrets in all the places where a stack's are."""
    folder = tmp_path_factory.mktemp("bundle")
    copy = clone(folder / "copy")
    for made in (".toolchain", ".venv"):
        (copy / made).symlink_to(ROOT / made)
    (copy / ".pulumi-passphrase-dev").write_text(CANARY)
    (copy / ".pulumi-state").mkdir()
    (copy / ".pulumi-state" / "state.json").write_text(CANARY)
    (copy / ".env").write_text(CANARY)
    with (copy / "Pulumi.dev.yaml").open("a") as settings:
        settings.write(f"\n# {CANARY}\n")
    file = folder / "all.bundle"
    command = ("make", "bundle", f"FILE={file}", "UPDATES=")  # images as other tests have built them
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"make up BUNDLE={file.name}" in done.stdout
    return file


@contextlib.contextmanager
def upstream(alone: Alone, folder: Path) -> Iterator[None]:
    """The model's API on that machine itself, as a private one is, and a DNS server that knows no other name."""
    machine, authority = alone.engine.machine, trustme.CA()
    pem = folder / "upstream.pem"
    authority.issue_cert(*UPSTREAM, machine.address).private_key_and_cert_chain_pem.write_to_path(pem)
    settings = alone.copy / "Pulumi.dev.yaml"
    config = yaml.safe_load(settings.read_text())
    config["config"] |= {
        "litellm-claude:egressDns": [machine.address],
        "litellm-claude:egressPrivateCidrs": [f"{machine.address}/32"],
        "litellm-claude:upstreamCaCertificates": authority.cert_pem.bytes().decode(),
    }
    settings.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "testbed.fakes.internet", machine.address, str(pem)]
    with subprocess.Popen(["ip", "netns", "exec", machine.name, *command], cwd=ROOT) as server:
        try:
            for _ in range(100):
                if machine.curl(f"https://{machine.address}/__fake__/requests", "-k") == "200":
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


@pytest.fixture(scope="module", params=ENGINES, ids=lambda one: one[0] or "own")
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    suite, containerd = request.param
    with second_engine(suite, containerd=containerd, on=lonely()) as engine:
        assert engine.docker("image", "ls", "--quiet", "--all") == ""
        made = Alone(engine, tmp_path_factory.mktemp("alone"))
        with upstream(made, tmp_path_factory.mktemp("upstream")):
            yield made


def holds(content: IO[bytes], word: bytes) -> bool:
    """Whether the word is in it, also across two pieces."""
    kept = b""
    while piece := content.read(1 << 20):
        if word in kept + piece:
            return True
        kept = piece[-len(word) :]
    return False


def test_a_bundle_holds_images_programs_and_packages_and_no_secret(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        assert tar.getnames() == ["manifest.json", "manifest.sha256", "toolchain.tar.gz", "wheels.tar", "images.tar.gz"]
        for name in tar.getnames():
            content = tar.extractfile(name)
            assert content
            opened: IO[bytes] = gzip.GzipFile(fileobj=content) if name.endswith(".gz") else content  # type: ignore[assignment]
            assert not holds(opened, CANARY.encode()), name
        with tarfile.open(fileobj=tar.extractfile("toolchain.tar.gz")) as inner:
            assert {name.partition("-resource")[0] for name in inner.getnames()} == {
                *("of", "pulumi", "pulumi-language-python", "pulumi-language-python-exec")
            }
        with tarfile.open(fileobj=tar.extractfile("wheels.tar")) as inner:
            others = {name for name in inner.getnames() if not name.endswith(".whl")}
            assert others == {"requirements.txt", "of.lock"}
        manifest = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
    assert sorted(manifest["images"]) == ["acme", "egress", "front", "gateway", "litellm", "valkey"]


def test_a_damaged_bundle_is_refused_before_anything_is_unpacked(bundle: Path, alone: Alone, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bundle"
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(content)
    said = alone.run("make", "up", f"BUNDLE={broken}", status=2)
    assert "is damaged: images.tar.gz is not what was written. Copy it anew." in said
    assert not (alone.copy / ".toolchain" / "bundle").exists()
    assert alone.engine.docker("image", "ls", "--quiet", "--all") == ""


def test_a_stack_comes_up_on_a_machine_that_reaches_nothing(bundle: Path, alone: Alone) -> None:
    assert "default" not in alone.run("ip", "route")
    alone.run("make", "up", f"BUNDLE={bundle}")
    url = alone.run("make", "-s", "output", "NAME=url").strip()
    key = alone.run("make", "-s", "output", "NAME=master_key").strip()
    answer = alone.run("curl", "-s", "-w", "%{http_code}", "-H", f"Authorization: Bearer {key}", f"{url}/v1/models")
    assert answer.endswith("200"), answer
    built = alone.engine.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}}")
    assert "Build Cache 0" in built
    images = alone.engine.docker("ps", "--format", "{{.Image}}").split()
    assert len(images) == 4


@pytest.mark.goes_on_from("test_a_stack_comes_up_on_a_machine_that_reaches_nothing")
def test_the_next_up_changes_nothing_with_the_bundle_or_without(bundle: Path, alone: Alone) -> None:
    for given in (f"BUNDLE={bundle}", "BUNDLE="):
        printed = alone.run("make", "up", given)
        assert "unchanged" in printed
        assert "created" not in printed
        assert "replaced" not in printed
        assert "loading the images" not in printed
    assert "unchanged" in alone.run("make", "preview")


@pytest.mark.goes_on_from("test_a_stack_comes_up_on_a_machine_that_reaches_nothing")
def test_updates_come_in_a_newer_bundle(alone: Alone) -> None:
    assert "Fix: run `make bundle`" in alone.run("make", "upgrade", status=2)


@pytest.mark.goes_on_from("test_a_stack_comes_up_on_a_machine_that_reaches_nothing")
def test_images_that_were_removed_come_from_the_bundle_again(bundle: Path, alone: Alone) -> None:
    alone.run("make", "down")
    alone.engine.docker("image", "prune", "--all", "--force")
    assert "Fix: make up BUNDLE=FILE STACK=dev" in alone.run("make", "preview", status=2)
    alone.run("make", "up", f"BUNDLE={bundle}")
    alone.run("make", "down")
