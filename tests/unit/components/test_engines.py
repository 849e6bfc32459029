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


@pytest.mark.parametrize("host", ["", FAR])
def test_a_docker_context_of_the_shell_takes_no_stack_to_another_engine(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The provider takes DOCKER_CONTEXT from the environment unless it is told none, and then asks no host."""
    monkeypatch.setenv("DOCKER_HOST", host)
    (engine,) = deploy("dev", dockerHost=host).of("pulumi:providers:docker")
    assert engine.inputs["context"] == ""


@pytest.mark.parametrize(("host", "there"), [("", "unix:///var/run/docker.sock"), (FAR, FAR)])
def test_no_image_is_built_in_another_context_than_on_the_stacks_engine(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, host: str, there: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "staging")
    with pytest.raises(
        pulumi.RunError, match=rf"context staging and not on {there}.* Fix: export DOCKER_HOST="
    ) as told:
        deploy("dev", dockerHost=host)
    assert (f"export DOCKER_HOST={FAR} " in str(told.value)) is bool(host)


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
        (None, {"DOCKER_HOST": FAR, "DOCKER_CONTEXT": "staging"}),  # docker's client prefers the host
        (None, {"DOCKER_CONTEXT": "default"}),
    ],
)
def test_who_says_where_images_are_built_is_not_refused(host: str | None, environment: dict[str, str]) -> None:
    assert engines.built_elsewhere(host, environment) is None
