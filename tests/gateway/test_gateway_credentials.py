"""Without anything that can be a key no request reaches LiteLLM; with it the client's headers pass, and two more."""

import re

import pytest

from tests.gateway.conftest import Caller


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "sk-good"},
        {"authorization": "Basic c2stZ29vZDo="},
        {"authorization": "Bearer good"},
        {"authorization": "Bearer sk-good sk-good"},
        {"authorization": "Bearer sk-" + "x" * 254},
        {"authorization": "Bearer sk-g\xf6\xf6d"},
        {"authorization": "Digest sk-good"},
        {"x-api-key": "good"},
        {"x-api-key": ""},
        {"x-api-key": "sk-" + "x" * 254},
        {"api-key": "sk-good"},
        {"cookie": "token=sk-good"},
        {"proxy-authorization": "Bearer sk-good"},
    ],
)
def test_a_missing_or_malformed_credential_is_401_with_a_readable_body(call: Caller, headers: dict[str, str]) -> None:
    answer = call.call(key=None, headers=headers)
    assert (answer.status, answer.json()["error"]["type"]) == (401, "authentication_error")
    assert "Missing or malformed" in answer.error
    assert "sk-good" not in answer.body.decode()


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_the_longest_key_that_can_be_configured_passes(call: Caller, name: str) -> None:
    key = "sk-" + "x" * 253
    answer = call.call(key=None, headers={name: f"Bearer {key}" if name == "authorization" else key})
    assert answer.json() == {"error": {"message": "wrong key"}}  # LiteLLM's own words


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "bearer Bearer sk-good"},
        {"authorization": "token sk-good"},
        {"x-api-key": "Bearer sk-good"},
    ],
)
def test_the_schemes_that_some_clients_say_are_understood_as_the_front_door_does(
    call: Caller, headers: dict[str, str]
) -> None:
    assert call.call(key=None, headers=headers).json() == {"error": {"message": "wrong key"}}  # LiteLLM's own words


def test_litellm_learns_who_asks_and_the_number_of_the_request_and_no_client_can_say_so(call: Caller) -> None:
    forged = {
        "x-gateway-source": "1.2.3.4",
        "x-gateway-door": "metrics",
        "x-request-id": "forged",
        "X-Request-ID": "forged-too",
    }
    own = {"anthropic-version": "2023-06-01", "x-api-key": "sk-other"}
    answer = call.call(headers={**forged, **own})
    arrived = dict(answer.json()["headers"])
    request_id = answer.headers["x-request-id"]
    assert re.fullmatch(r"req_[0-9a-f-]{36}", request_id)
    assert len(answer.json()["headers"]) == len(arrived)
    assert arrived == {
        "host": "litellm",
        "authorization": "Bearer sk-good",
        **own,
        "x-gateway-source": call.source,
        "x-gateway-door": "api",
        "x-request-id": request_id,
    }


def test_each_request_has_a_number_of_its_own(call: Caller) -> None:
    answers = [call.call(), call.call(), call.call(key=None), call.call(host="evil.test")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4
    for refused in answers[2:]:
        assert refused.json()["request_id"] == refused.headers["x-request-id"] == refused.headers["request-id"]


def test_the_inside_is_not_told(call: Caller) -> None:
    headers = call.call().headers
    assert not {"server", "x-key-generation", "x-litellm-call-id"} & set(headers)
    assert headers["request-id"] == "req_upstream"
