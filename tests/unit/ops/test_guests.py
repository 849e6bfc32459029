"""Who else is on a stack's networks when it goes down."""

from typing import Any

import pytest

from ops import guests
from ops.commands import OperationError


class Stack:
    """A stack of one container on one network."""

    label = "litellm-claude-prod"

    def __init__(self, services: bool = False) -> None:
        self.of_a_swarm = services

    def services(self) -> list[Any]:
        return [{}] * self.of_a_swarm

    def containers(self) -> list[Any]:
        return [{"id": "own"}]

    def in_force(self, _kind: str) -> list[Any]:
        return [{"id": "network-1"}, {}]


class Lab:
    """An engine with these containers on its network."""

    typed = "docker"

    def __init__(self, *there: str) -> None:
        self.there = there

    def containers(self, _label: str) -> list[Any]:
        return []

    def inspect(self, kind: str, ids: list[str]) -> list[Any]:
        assert (kind, ids) == ("network", ["network-1"])
        return [{"Name": "backend", "Containers": {one: {"Name": f"name-of-{one}"} for one in self.there}}]


def refuse(engine: Any, stack: Any) -> None:
    guests.refuse("prod", stack, engine)


def test_a_container_of_somebody_else_is_named_with_what_lets_the_network_go() -> None:
    """Pulumi waited for half a minute, and said that a state had not become 'removed'."""
    with pytest.raises(OperationError, match="holds them: name-of-other") as refused:
        refuse(Lab("own", "other"), Stack())
    command = "docker network disconnect --force backend name-of-other && make down STACK=prod"
    assert str(refused.value).endswith(f"Fix: {command}")


@pytest.mark.parametrize("services", [False, True])
def test_the_stacks_own_containers_and_a_swarms_endpoints_hold_nothing(services: bool) -> None:
    refuse(Lab("own", *["lb-backend"] * services), Stack(services))
