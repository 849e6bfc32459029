"""Both credentials take one path: what a client sends reaches Anthropic as the same JSON, and so does the answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from testbed.container import TOKEN, Bed, container
from tests.conformance.parity_cases import MESSAGES, Body
from tests.conformance.parity_openai_cases import CHAT, RESPONSES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES: dict[str, tuple[Body, dict[str, Body]]] = {
    "/v1/messages": ({"max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}, MESSAGES),
    "/v1/chat/completions": ({"messages": [{"role": "user", "content": "hi"}]}, CHAT),
    "/v1/responses": ({"input": "hi"}, RESPONSES),
}
CASES = [(route, name) for route, (_, table) in ROUTES.items() for name in table]
BETAS = ("context-management-2025-06-27", "files-api-2025-04-14")
RECORDS = "/__fake__/requests"
MARK = {"type": "ephemeral", "ttl": "1h"}
# The CLI's own first blocks of a system prompt, which Anthropic wants from a Claude login.
ATTRIBUTION = re.compile(r"x-anthropic-billing-header:|You are (Claude Code|a Claude agent)")
# What differs from one answer to the next, whoever gives it.
UNIQUE = re.compile(r'"(id|item_id|created|created_at|system_fingerprint|call_id)": ?("[^"]*"|\d+(\.\d+)?|null)')


@dataclass(frozen=True)
class Way:
    """Clients of one gateway and of its fake, which stay open: to make one takes longer than to ask."""

    client: httpx.Client
    fake: httpx.Client

    def asked(self, route: str, body: Body) -> tuple[Body, str]:
        """The record of the one call of Claude, and the answer."""
        self.fake.delete(RECORDS)
        answer = self.client.post(route, json=body, headers={"anthropic-beta": ",".join(BETAS)})
        assert answer.status_code == 200, answer.text
        (record,) = self.fake.get(RECORDS).json()["requests"]
        return record, answer.text


Ways = tuple[Way, Way]


@pytest.fixture(scope="module")
def ways(bed: Bed) -> Iterator[Ways]:
    """With an API key, and with a Claude login."""
    login = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": TOKEN}
    by_key = container(bed, CLAUDE_AUTH="api-key", ANTHROPIC_API_KEY="sk-ant-of-the-test")
    with by_key as key, container(bed, **login) as other, httpx.Client(base_url=bed.fake_url) as fake:
        yield Way(key.http(), fake), Way(other.http(), fake)


def test_the_table_holds_a_hundred_requests() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("route", "name"), CASES)
def test_both_credentials_do_the_same(route: str, name: str, streamed: bool, ways: Ways) -> None:
    small, table = ROUTES[route]
    body = {"model": "sonnet", **small, **table[name], "stream": streamed}
    by_key, by_login = (compared(*way.asked(route, body), body) for way in ways)
    assert by_login == by_key


def compared(record: Body, answer: str, asked: Body) -> Body:
    """What Anthropic was sent and what the client got, as far as both ways have to agree."""
    betas = set(record["headers"].get("anthropic-beta", "").split(",")) & set(BETAS)
    return {"sent": comparable(record["body"], asked), "betas": betas, "answer": comparable_answer(answer)}


def comparable(sent: Body, asked: Body) -> Body:
    """Without the differences that there have to be.

    With a login: a stream in any case; the account's metadata; the CLI's attribution before the client's system prompt,
    whose blocks are one text; empty lists of tools and of edits of the context; the newer name of an answer's schema.
    Where the client has marked nothing for the cache, the last message is marked; in the system prompt the CLI sets its
    own marks.
    """
    made = {name: value for name, value in sent.items() if name not in ("metadata", "stream")}
    system = [{"text": made["system"]}] if isinstance(made.get("system"), str) else made.get("system") or []
    made["system"] = "\n\n".join(one["text"] for one in system if not ATTRIBUTION.match(one["text"]))
    made["tools"] = made.get("tools") or []
    if made.get("context_management") == {"edits": []}:
        del made["context_management"]
    if "output_format" in made:
        made["output_config"] = {**made.get("output_config", {}), "format": made.pop("output_format")}
    made["messages"] = [blocks_of(message) for message in made["messages"]]
    if "cache_control" not in json.dumps(asked):
        last = made["messages"][-1]["content"][-1]
        assert last.pop("cache_control", MARK) == MARK
    return made


def blocks_of(message: Body) -> Body:
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


def comparable_answer(text: str) -> Any:
    """Without what is new in each answer; of a stream the events, without pings, which have no meaning."""
    text = UNIQUE.sub(r'"\1": "-"', text)
    if text.startswith("{"):
        return json.loads(text)
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines if line != "[DONE]"]
    return [event for event in events if event.get("type") != "ping"]
