"""Errors arrive as the client's own exceptions, with the upstream's status, and say what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from testbed.fakes.anthropic_script import ACCOUNT_TEXT
from tests.conformance.ask import Ask, BrokenAnswerError, Clients, ask_openai

if TYPE_CHECKING:
    from testbed.container import Gateway

STATUS_ERRORS = (openai.APIStatusError, anthropic.APIStatusError)


def failure(ask: Ask, clients: Clients, prompt: Any, **options: Any) -> Any:
    with pytest.raises(STATUS_ERRORS) as caught:
        ask(clients, prompt, **options)
    error: Any = caught.value
    assert ACCOUNT_TEXT not in error.response.text, "the operator's account is none of the client's business"
    return error


@pytest.mark.parametrize(
    ("marker", "status", "openai_type", "anthropic_type"),
    [
        ("400", 400, openai.BadRequestError, anthropic.BadRequestError),
        ("404", 404, openai.NotFoundError, anthropic.NotFoundError),
        ("413", 413, openai.APIStatusError, anthropic.APIStatusError),
        ("429:9", 429, openai.RateLimitError, anthropic.RateLimitError),
        ("500", 500, openai.InternalServerError, anthropic.InternalServerError),
        ("529", 529, openai.InternalServerError, anthropic.InternalServerError),
        ("401", 503, openai.InternalServerError, anthropic.InternalServerError),
        ("403", 503, openai.InternalServerError, anthropic.InternalServerError),
    ],
)
def test_an_upstream_error_has_its_status_and_type(
    ask: Ask, clients: Clients, marker: str, status: int, openai_type: type, anthropic_type: type
) -> None:
    error = failure(ask, clients, f"FAKE:{marker}")
    assert error.status_code == status
    assert isinstance(error, openai_type if "openai" in ask.__name__ else anthropic_type)


@pytest.mark.parametrize("marker", ["400", "403", "413", "429", "500", "529"])
def test_an_upstream_error_is_not_retried_by_the_gateway(marker: str, clients: Clients, gateway: Gateway) -> None:
    failure(ask_openai, clients, f"FAKE:{marker}")
    assert len(gateway.records()) == 1


def test_an_expired_token_says_how_to_renew_it_and_does_not_look_like_a_wrong_key(ask: Ask, clients: Clients) -> None:
    error = failure(ask, clients, "FAKE:401")
    assert error.status_code == 503
    assert "claudeOauthToken" in str(error)


def test_a_rate_limit_says_when_to_come_back(ask: Ask, clients: Clients) -> None:
    assert 1 <= int(failure(ask, clients, "FAKE:429:9").response.headers["retry-after"]) <= 9


def test_an_overload_says_when_to_come_back(ask: Ask, clients: Clients) -> None:
    assert int(failure(ask, clients, "FAKE:529").response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("fault", ["midstream", "cut"])
def test_a_broken_stream_is_an_error_and_never_a_short_answer(
    ask: Ask, clients: Clients, gateway: Gateway, fault: str
) -> None:
    with pytest.raises((*STATUS_ERRORS, BrokenAnswerError)) as caught:
        ask(clients, f"FAKE:{fault}")
    if isinstance(caught.value, BrokenAnswerError):
        assert caught.value.text in "word0 word1 word2 ", "no text twice"
    assert len(gateway.records()) == 1, "no second request, which would be paid twice"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("logit_bias", {"1": 5}),
        ("frequency_penalty", 0.5),
        ("presence_penalty", 0.5),
        ("store", True),
        ("no_such_field", 1),
        ("api_base", "https://evil.example"),
        ("fallbacks", ["opus"]),
    ],
)
def test_what_claude_would_not_get_is_refused(name: str, value: Any, clients: Clients, gateway: Gateway) -> None:
    error = failure(ask_openai, clients, "hi", extra_body={name: value})
    assert error.status_code == 400
    assert name in str(error)
    assert gateway.records() == []


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "wizard", "content": "x"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://192.0.2.1/x.png"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}],
    ],
    ids=["none", "odd-role", "http-image", "file-image", "audio"],
)
def test_messages_that_cannot_be_passed_on_are_refused(messages: Any, clients: Clients, gateway: Gateway) -> None:
    assert failure(ask_openai, clients, messages).status_code == 400
    assert gateway.records() == []


def test_an_unknown_model_is_not_found(clients: Clients) -> None:
    with pytest.raises(openai.NotFoundError):
        clients.openai.chat.completions.create(model="nope", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(anthropic.NotFoundError):
        clients.anthropic.messages.create(model="nope", max_tokens=5, messages=[{"role": "user", "content": "x"}])


def test_a_body_that_is_not_json_is_refused(gateway: Gateway) -> None:
    with gateway.http() as http:
        answer = http.post("/v1/chat/completions", content=b"{no", headers={"content-type": "application/json"})
    assert answer.status_code == 400
