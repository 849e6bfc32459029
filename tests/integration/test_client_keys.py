"""Clients of a production stack, from the settings to HTTP."""

import json
import sys
import time
from collections.abc import Iterator

import pytest

from testbed.deployment import docker
from testbed.hosts import Internet
from tests.integration.rotation import Bed, kept_connection, requests_all_the_while, rotation_bed, status_on
from tests.integration.test_rotation import CONFIGURED
from tests.integration.test_secrets import spellings, watched_processes

PORT = 14661
FEW = 3
ASKED = {"model": "haiku", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def bed(net: Internet) -> Iterator[Bed]:
    """A stack that declares no clients yet."""
    with rotation_bed(net, CONFIGURED, PORT) as made:
        yield made


def keys(bed: Bed) -> dict[str, str]:
    shown = bed.stack.pulumi("stack", "output", "client_keys", "--json", "--show-secrets").stdout
    return dict(json.loads(shown))


def ops(bed: Bed, module: str, *options: str) -> str:
    return bed.operations.finish(bed.operations.start(sys.executable, "-m", f"ops.{module}", bed.stack.name, *options))


def ask(bed: Bed, key: str, model: str, path: str = "/v1/messages") -> int:
    return bed.stack.call(path, key=key, body={**ASKED, "model": model}).status


def test_clients_are_added_without_a_lost_request_and_each_key_opens_what_is_its_own(bed: Bed) -> None:
    bed.stack.set(
        **{
            "clients.alice.models": ["haiku"],
            "clients.alice.requestsPerMinute": 1000,
            "clients.ci.cidrs": ["192.0.2.0/24"],
            "clients.old.expires": "2026-01-01",
            "clients.bob.maxParallel": 2,
            "clients.few.requestsPerMinute": FEW,
            "usageDays": 7,
        }
    )
    with requests_all_the_while(bed, CONFIGURED) as statuses:
        bed.operations.up()
    assert set(statuses) == {200}
    assert bed.nothing_to_do()
    made = keys(bed)
    assert set(made) == {"alice", "bob", "ci", "few", "old"}
    assert len(set(made.values())) == len(made)
    assert [ask(bed, made["alice"], model) for model in ("haiku", "claude-haiku-5-5", "sonnet", "gpt")] == [
        200,
        200,
        403,
        404,
    ]
    assert [ask(bed, made["bob"], "sonnet", path) for path in ("/v1/messages", "/v1/chat/completions")] == [200, 200]
    assert [ask(bed, made[name], "haiku") for name in ("ci", "old")] == [403, 401]
    assert [ask(bed, CONFIGURED, "haiku"), ask(bed, made["bob"] + "0", "haiku")] == [200, 401]
    listed = json.loads(bed.stack.call("/v1/models", key=made["alice"]).body)["data"]
    assert [model["id"] for model in listed] == ["haiku", "claude-haiku-5-5"]
    assert bed.stack.call("/v1/models", key=made["alice"]).headers.get("x-key-generation") is None


@pytest.mark.goes_on_from("test_clients_are_added_without_a_lost_request_and_each_key_opens_what_is_its_own")
def test_the_operator_sees_who_they_are_and_what_they_have_used(bed: Bed) -> None:
    printed = ops(bed, "clients")
    assert {line.split()[0] for line in printed.splitlines()} == {"client", "alice", "bob", "ci", "few", "old"}
    assert "sk-" not in printed
    assert ops(bed, "clients", "--show", "alice").startswith(keys(bed)["alice"] + "\n")
    usage = json.loads(ops(bed, "usage", "--json"))["usage"]
    assert usage["bob"]["requests"] == 2
    assert usage["bob"]["output_tokens"] > 0
    assert usage["bob"]["list_price_usd"] > 0
    assert usage["alice"]["failed"] == 2


def answered_until_refused(bed: Bed, key: str) -> int:
    """How many requests are answered before one is one too many, within a minute."""
    return [ask(bed, key, "haiku") for _ in range(FEW + 1)].count(200)


@pytest.mark.goes_on_from("test_clients_are_added_without_a_lost_request_and_each_key_opens_what_is_its_own")
def test_a_clients_key_is_rotated_without_a_lost_request(bed: Bed) -> None:
    before = keys(bed)
    used_up = answered_until_refused(bed, before["few"])
    with requests_all_the_while(bed, before["alice"]) as statuses:
        printed = bed.operations.rotate("--client", "alice", "--overlap", "24h")
    assert set(statuses) == {200}
    assert "make retire STACK=" in printed
    after = keys(bed)
    # Each container counts by itself, and its minute begins with the first request: one more minute's worth, not two.
    assert used_up == FEW
    assert answered_until_refused(bed, before["few"]) <= FEW
    assert after["alice"] != before["alice"]
    assert {name: after[name] for name in ("bob", "ci", "few", "old")} == {
        name: before[name] for name in ("bob", "ci", "few", "old")
    }
    assert [ask(bed, after["alice"], "haiku"), ask(bed, before["alice"], "haiku")] == [200, 200]
    assert bed.nothing_to_do()
    bed.operations.finish(bed.operations.start(sys.executable, "-m", "ops.retire", bed.stack.name, "--client", "alice"))
    assert [ask(bed, after["alice"], "haiku"), ask(bed, before["alice"], "haiku")] == [200, 401]


@pytest.mark.goes_on_from("test_clients_are_added_without_a_lost_request_and_each_key_opens_what_is_its_own")
def test_a_client_that_is_removed_is_refused_and_nobody_else_notices(bed: Bed) -> None:
    made = keys(bed)
    bed.stack.pulumi("config", "rm", "--path", "clients.bob")
    kept = kept_connection(bed)
    with (
        requests_all_the_while(bed, made["alice"]) as statuses,
        requests_all_the_while(bed, made["bob"], every=1, kept=kept) as on_an_open_connection,
    ):
        bed.operations.up()
        revoked = time.monotonic()
    assert set(statuses) == {200}
    assert ask(bed, made["bob"], "haiku") == 401
    assert status_on(kept, made["bob"]) == 401
    assert time.monotonic() - revoked < 10
    assert set(on_an_open_connection) <= {200, 401}, "both containers answer for a moment"


@pytest.mark.goes_on_from(
    "test_a_clients_key_is_rotated_without_a_lost_request",
    "test_a_client_that_is_removed_is_refused_and_nobody_else_notices",
)
def test_what_was_used_outlives_the_containers(bed: Bed) -> None:
    """Three have gone since; each line counts once, although the last ones are in the log and on the volume."""
    told = json.loads(ops(bed, "usage", "--json"))
    usage = told["usage"]
    assert usage["bob"]["requests"] == 2
    assert told["besides"]["bob"] > 1, "what bob read on the connection that was kept open"
    assert usage["few"]["requests"] == 2 * (FEW + 1)
    log = bed.stack.exec("litellm", "sh", "-c", "cat /home/app/usage/*.jsonl")
    assert "sk-" not in log
    assert bed.stack.pulumi("config", "get", "usageDays").stdout.strip() == "7"


@pytest.mark.goes_on_from("test_clients_are_added_without_a_lost_request_and_each_key_opens_what_is_its_own")
def test_no_key_and_no_digest_of_a_client_stands_anywhere_in_the_clear(bed: Bed) -> None:
    key = keys(bed)["alice"]
    told = dict(pair.split("=", 1) for pair in bed.stack.inspect("litellm")["Config"]["Env"])["GATEWAY_CLIENTS"]
    digest = json.loads(told)["alice"]["keys"][0][0]
    texts = [digest, *spellings(key)]
    with watched_processes(texts) as in_arguments:
        bed.stack.printed.append(bed.stack.pulumi("preview", "--diff").stdout)
        bed.stack.printed.append(bed.stack.pulumi("stack", "output").stdout)
    ours = "".join(part for part in bed.stack.printed if not part.startswith(key))  # where it was asked for
    places = {
        "printed": ours,
        "export": bed.stack.pulumi("stack", "export").stdout,
        **{f"log of {role}": docker("logs", bed.stack.container(role)) for role in ("litellm", "gateway")},
        **{str(path): path.read_text(errors="replace") for path in bed.stack.state.rglob("*") if path.is_file()},
    }
    assert [(name, text[:6]) for name, content in places.items() for text in texts if text in content] == []
    assert in_arguments == []
    assert key.removeprefix("sk-") not in json.dumps(bed.stack.inspect("litellm"))
