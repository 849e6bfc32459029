"""The engine of ``dockerHost`` is the one that everything of a stack is on, its images too."""

import pulumi
import pytest

from rules import engines
from tests.unit.components.conftest import Deploy

FAR = "ssh://operator@gateway.example.org"


def test_a_remote_engine_is_used_where_one_is_set(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", FAR)
    (engine,) = deploy("dev", dockerHost=FAR).of("pulumi:providers:docker")
    assert engine.inputs["host"] == FAR


@pytest.mark.parametrize("given", ["", "tcp://other.example.org:2376"])
def test_no_image_is_built_on_another_engine_than_the_stacks(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", given)
    with pytest.raises(pulumi.RunError, match=rf"dockerHost: .* not on {FAR}.* Fix: export DOCKER_HOST={FAR}"):
        deploy("dev", dockerHost=FAR)


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        (FAR, {"DOCKER_HOST": FAR}),
        (FAR, {"BUILDX_BUILDER": "far"}),
        (FAR, {"DOCKER_BUILDKIT": "0"}),
        ("unix:///var/run/docker.sock", {}),
        (None, {"DOCKER_HOST": FAR}),
    ],
)
def test_who_says_where_images_are_built_is_not_refused(host: str | None, environment: dict[str, str]) -> None:
    assert engines.built_elsewhere(host, environment) is None
