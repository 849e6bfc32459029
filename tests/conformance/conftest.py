"""Fixtures: the gateway, and the two official clients pointed at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import httpx2
import openai
import pytest

from testbed.container import TOKEN, Bed, Gateway, container, fresh_bed, given_gateway
from tests.conformance.ask import ASKS, Ask, Clients
from tests.conformance.stack import whole_stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """What real clients meet: the whole stack, on HTTPS."""
    given = given_gateway()
    if given is not None:
        yield given
        return
    with whole_stack(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The gateway, with a fake API that has forgotten earlier tests."""
    shared_gateway.forget()
    return shared_gateway


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """For containers without a stack around them (tests/conftest.py, LITELLM_ALONE)."""
    with fresh_bed() as made:
        yield made


@pytest.fixture(scope="session")
def small(bed: Bed) -> Iterator[Gateway]:
    """LiteLLM for two requests at a time, and with dropped parameters; the test of its end is the last on it."""
    login = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": TOKEN, "CLAUDE_WARM_PROCESSES": "0"}
    limits = {"CLAUDE_MAX_CONCURRENCY": "2", "CLAUDE_QUEUE_SECONDS": "0.5", "DROP_PARAMS": "true"}
    limits["FAILED_AUTH_PER_MINUTE"] = "10000"  # the suite is one source
    with container(bed, **login, **limits) as made:
        yield made


@pytest.fixture
def openai_client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    transport = httpx2.Client(verify=gateway.trust, timeout=60)
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, http_client=transport
    ) as client:
        yield client


@pytest.fixture
def anthropic_client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    transport = httpx2.Client(verify=gateway.trust, timeout=60)
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, http_client=transport) as client:
        yield client


@pytest.fixture
def clients(openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic) -> Clients:
    return Clients(openai_client, anthropic_client)


@pytest.fixture(params=list(ASKS))
def ask(request: pytest.FixtureRequest) -> Ask:
    """Each client, streamed and not."""
    return ASKS[request.param]
