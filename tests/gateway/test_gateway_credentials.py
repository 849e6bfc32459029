"""One credential, spelled one way, reaches LiteLLM; what could pass for another one, or for an origin, does not."""

from tests.gateway.conftest import Caller


def test_a_missing_or_malformed_credential_is_401_with_a_readable_body(call: Caller) -> None:
    for headers in (
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "sk-good"},
        {"authorization": "Basic c2stZ29vZDo="},
        {"authorization": "Bearer good"},
        {"authorization": "Bearer sk-good sk-good"},
        {"authorization": "Bearer sk-good,Bearer sk-x"},
        {"authorization": "Bearer sk-" + "x" * 600},
        {"authorization": "Bearer sk-g\xf6\xf6d"},
        {"authorization": "Digest sk-good"},
        {"x-api-key": "good"},
        {"x-api-key": ""},
        {"api-key": "sk-good"},
        {"x-goog-api-key": "sk-good"},
        {"x-litellm-api-key": "Bearer sk-good"},
        {"ocp-apim-subscription-key": "sk-good"},
        {"cookie": "token=sk-good"},
        {"proxy-authorization": "Bearer sk-good"},
    ):
        answer = call.call(key=None, headers=headers)
        assert answer.status == 401, headers
        assert "Missing or malformed" in answer.error
        assert "sk-good" not in answer.body.decode()


def test_both_ways_to_send_the_key_arrive_as_one(call: Caller) -> None:
    for headers in (
        {"authorization": "Bearer sk-good"},
        {"authorization": "bearer sk-good"},
        {"authorization": "BEARER   sk-good"},
        {"x-api-key": "sk-good"},
        {"authorization": "Bearer sk-good", "x-api-key": "sk-other"},
    ):
        answer = call.call(key=None, headers=headers)
        assert answer.status == 200, headers
        arrived = [pair for pair in answer.json()["headers"] if pair[0] in ("authorization", "x-api-key")]
        assert arrived == [["authorization", "Bearer sk-good"]]


def test_a_wrong_key_gets_litellms_own_401(call: Caller) -> None:
    answer = call.call(key="sk-wrong")
    assert answer.status == 401
    assert answer.json() == {"error": {"message": "wrong key"}}


def test_headers_that_fake_an_origin_or_leak_the_inside_are_removed(call: Caller) -> None:
    forged = {
        **{f"x-forwarded-{part}": "1.2.3.4" for part in ("for", "host", "proto", "port", "prefix", "server")},
        "forwarded": "for=1.2.3.4",
        "via": "1.1 x",
        "x-real-ip": "1.2.3.4",
        "x-original-url": "/key/info",
        "x-rewrite-url": "/key/info",
        "x-http-method-override": "DELETE",
        "cookie": "token=x",
        "api-key": "sk-good",
        "x_api_key": "sk-good",
        "content_length": "5",
        "proxy-connection": "keep-alive",
        "x-litellm-api-key": "x",
    }
    answer = call.call(headers={**forged, "x-kept": "yes", "anthropic-version": "2023-06-01"})
    names = {name for name, _ in answer.json()["headers"]}
    assert names == {"host", "authorization", "x-kept", "anthropic-version"}
    assert ["host", "litellm"] in answer.json()["headers"]
    assert not {"server", "x-litellm-version", "x-litellm-key-spend", "set-cookie"} & set(answer.headers)
    assert answer.headers["x-litellm-call-id"] == "call-1"
