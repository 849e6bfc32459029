"""What the containers run: built from the lock, or ready by digest."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.images import tag
from rules import bundle, releases
from rules.bundle import context_digest
from rules.layout import IMAGES
from tests.unit.components.conftest import Deploy
from tests.unit.components.test_acme import HTTP


def test_ready_images_are_taken_as_they_are(deploy: Deploy) -> None:
    digest = "registry.example.org/litellm:v1.90.0@sha256:" + "a" * 64
    graph = deploy("prod", litellmImage=digest)
    image = next(r for r in graph.of("docker:index/remoteImage:RemoteImage") if r.name.endswith("-litellm"))
    assert image.inputs["name"] == digest
    assert "build" not in image.inputs


def test_images_out_of_a_bundle_are_taken_as_they_are_while_they_are_of_this_working_copy(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {role: bundle.image_name(role, f"sha256:{'a' * 64}") for role in bundle.ROLES}
    sources = {f"images/{role}": context_digest(IMAGES / role) for role in bundle.ROLES}
    manifest = {"images": names, "sources": sources | {"images/gateway": "of an older gateway"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr("rules.bundle.UNPACKED", tmp_path)
    graph = deploy("prod", securityUpdates="2026-11-24", egressImage="registry.example.org/e@sha256:" + "b" * 64)
    found = {image.name.rsplit("-", 1)[1]: image.inputs for image in graph.of("docker:index/remoteImage:RemoteImage")}
    for role in ("front", "litellm"):
        assert found[role]["name"] == f"bundle.invalid/litellm-claude/{role}:aaaaaaaaaaaa"
        assert "build" not in found[role]
    assert found["gateway"]["build"]["context"] == "images/gateway"
    assert found["egress"]["name"].startswith("registry.example.org/")


def test_a_bundle_has_each_image_that_a_stack_may_run(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is used nothing can be built, whatever the settings ask for."""
    names = {role: bundle.image_name(role, f"sha256:{'a' * 64}") for role in bundle.ROLES}
    sources = {f"images/{role}": context_digest(IMAGES / role) for role in bundle.ROLES}
    (tmp_path / "manifest.json").write_text(json.dumps({"images": names, "sources": sources}))
    monkeypatch.setattr("rules.bundle.UNPACKED", tmp_path)
    for settings in (HTTP, {"replicas": 2}):
        found = deploy("prod", **settings).of("docker:index/remoteImage:RemoteImage")
        assert [image.name for image in found if "build" in image.inputs] == []


@pytest.mark.parametrize("tag", ["main-v1.82.7-stable", "v1.82.8", "1.83.9", "main-v1.40.0"])
def test_known_bad_litellm_releases_are_refused(deploy: Deploy, tag: str) -> None:
    with pytest.raises(pulumi.RunError, match=r"litellmImage: LiteLLM 1\.\d+\.\d .* use 1\.84\.0 or later"):
        deploy("prod", litellmImage=f"registry.example.org/litellm:{tag}@sha256:" + "a" * 64)


def test_images_are_built_from_a_relative_context(deploy: Deploy) -> None:
    images = deploy("dev").of("docker:index/remoteImage:RemoteImage")
    assert len(images) == 4
    for image in images:
        assert image.inputs["build"] == {"context": f"images/{image.name.rsplit('-', 1)[1]}"}
        assert image.inputs["keepLocally"] is True
        assert len(image.inputs["triggers"]["context"]) == 64


def test_security_updates_of_another_day_are_another_image(deploy: Deploy) -> None:
    def built(**settings: str) -> dict[str, Any]:
        graph = deploy("prod", **settings)
        return {image.name: image.inputs for image in graph.of("docker:index/remoteImage:RemoteImage")}

    without, first, second = built(), built(securityUpdates="2026-11-24"), built(securityUpdates="2026-11-24.2")
    assert len(second) == 4
    for name, image in second.items():
        assert image["build"]["buildArgs"] == {"SECURITY_UPDATES": "2026-11-24.2"}
        assert len({found[name]["name"] for found in (without, first, second)}) == 3
        assert len({found[name]["triggers"]["context"] for found in (without, first, second)}) == 3


@pytest.mark.parametrize("role", bundle.ROLES)
def test_every_image_takes_updates_when_it_is_asked_to(role: str) -> None:
    """The last stage is what runs. A step whose arguments changed is not taken from the engine's cache."""
    stage = (IMAGES / role / "Dockerfile").read_text().rpartition("FROM debian:")[2]
    step = next(part for part in stage.split("\nRUN ") if "apt-get upgrade -y" in part)
    assert "$SECURITY_UPDATES" in step
    assert "> /etc/updated" in step
    assert "\nARG SECURITY_UPDATES=\n" in stage.partition(step)[0]


def test_an_image_belongs_to_one_stack(deploy: Deploy) -> None:
    images = deploy("prod").of("docker:index/remoteImage:RemoteImage")
    assert len(images) == 4
    for image in images:
        digest = image.inputs["triggers"]["context"]
        assert image.inputs["name"] == f"litellm-claude/{image.name.rsplit('-', 1)[1]}:{digest[:12]}-prod"


@pytest.mark.parametrize("stack", ["-odd", ".odd", "_odd", "A.b-c_9", "s" * 100])
def test_any_stacks_name_makes_a_valid_tag(stack: str) -> None:
    # https://docs.docker.com/reference/cli/docker/image/tag/: 128 characters, not beginning with a period or a hyphen
    assert re.fullmatch(r"litellm-claude/litellm:\w[\w.-]{0,127}", tag("litellm", "a" * 64, stack), re.ASCII)


def test_only_what_changed_below_an_image_rebuilds_it(deploy: Deploy, tmp_path: Any) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    before = context_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert context_digest(tmp_path) == before
    (tmp_path / "Dockerfile").chmod(0o755)
    executable = context_digest(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    assert len({before, executable, context_digest(tmp_path)}) == 3


@pytest.mark.parametrize("role", [path.parent.name for path in sorted(IMAGES.glob("*/app"))])
def test_what_does_not_rebuild_an_image_is_not_in_it(role: str) -> None:
    """The preview imports the containers' own rules, and Python leaves its caches there: each machine has others."""
    left_out = (IMAGES / role / ".dockerignore").read_text().split()
    assert {f"**/{name}" for name in bundle.IGNORED} == set(left_out)


def test_a_lock_without_litellm_is_refused(deploy: Deploy, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("httpx==1.0\n")
    assert releases.locked_fault(lock) == "requirements.lock does not pin litellm; run: make lock"
    lock.write_text("litellm==1.82.7 \\\n")
    assert "malicious" in str(releases.locked_fault(lock))
    lock.write_text("litellm==1.84.0 \\\n")
    assert releases.locked_fault(lock) is None
