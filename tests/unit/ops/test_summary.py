"""What `make up` says at its end: how to use the stack, and whether its Claude login is there."""

import subprocess
from typing import Any

import pytest

from ops.summary import LOGIN, summary
from rules.docker import Client, EngineError

OUTPUTS = {"url": "http://localhost:4000", "master_key_source": "generated", "claude_auth_volume": "auth"}
UP = OUTPUTS | {"litellm_container": "litellm-1"}


class Engine(Client):
    """An engine with one container; notes what it is asked."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.status = status
        self.asked: list[tuple[str, ...]] = []

    def call(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        self.asked.append(arguments)
        if self.status is None:
            raise EngineError("docker exec did not finish in 10 s")
        return subprocess.CompletedProcess(arguments, self.status, "", "")


@pytest.mark.parametrize(("status", "following"), [(0, "logs"), (1, "login "), (None, "login ")])
def test_a_login_is_asked_for_until_it_is_there_and_again_when_it_is_gone(status: int | None, following: str) -> None:
    engine = Engine(status)
    last = summary(UP, "prod", engine).splitlines()[-1]
    assert last.startswith(f"  next  make STACK=prod {following}".rstrip())
    assert ("no Claude login is in the volume auth" in last) is (status != 0)
    assert engine.asked == [("exec", "litellm-1", "test", "-s", LOGIN)]


@pytest.mark.parametrize(
    "other", [{"claude_auth": "api-key"}, {"claude_auth": "token"}, {"litellm_service": "litellm"}]
)
def test_a_stack_that_takes_no_login_is_asked_for_none(other: dict[str, str]) -> None:
    engine = Engine(1)
    assert "next  make logs" in summary(OUTPUTS | other, "dev", engine)
    assert engine.asked == []


def test_the_summary_never_holds_the_key_and_trusts_the_stacks_own_ca() -> None:
    outputs = UP | {"url": "https://h", "master_key": "sk-x"}
    text = summary(outputs | {"ca_certificate": "PEM"}, "prod", Engine(0))
    assert "sk-x" not in text
    assert "--cacert ca.pem https://h/v1/models" in text
    assert "--cacert" not in summary(outputs, "dev", Engine(0))
