"""Whatever text an OpenAI client sends is in the request to Claude, wherever it stood, over the table of requests."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.conformance.parity_openai_cases import CHAT, RESPONSES
from tests.unit.litellm_image.contract_cases import LARGE
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

# Words of OpenAI's API, for which Anthropic has words of its own.
WORDS = frozenset(
    {"type", "role", "model", "effort", "reasoning_effort", "tool_choice", "status", "search_context_size", "detail"}
)
# Where a name or an id is OpenAI's alone: of a schema of answers, of an item.
NAMED = frozenset({"json_schema", "format"})
CASES = [
    *((Route.CHAT, name, fields) for name, fields in {**CHAT, "much": LARGE[Route.CHAT]}.items()),
    *((Route.RESPONSES, name, fields) for name, fields in {**RESPONSES, "much": LARGE[Route.RESPONSES]}.items()),
]


def texts(value: Any, key: str = "", above: str = "") -> Iterator[str]:
    """Each text in a request that Claude has to get."""
    if key == "summary":
        return  # a thought goes as it was signed, in encrypted_content, or not at all
    if isinstance(value, dict):
        for name, member in value.items():
            yield from texts(member, name, key)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member, key, above)
    elif isinstance(value, str) and key not in WORDS and not (key == "name" and above in NAMED):
        if key == "id" and value.startswith(("msg_", "rs_", "fc_")):
            return
        yield from meant(value, key)


def meant(value: str, key: str) -> Iterator[str]:
    """What of a text is data: arguments are an object to Anthropic, files have no prefix, and texts are read."""
    if key == "arguments":
        yield from (one for one in json.loads(value).values() if isinstance(one, str))
    elif key == "encrypted_content":
        yield from (block.get("signature") or block["data"] for block in json.loads(value))
    elif value.startswith("data:"):
        kind, data = value.removeprefix("data:").split(";base64,")
        yield base64.b64decode(data).decode() if kind == "text/plain" else data
    else:
        yield value


@pytest.mark.parametrize(("route", "name", "fields"), CASES, ids=lambda one: one if isinstance(one, str) else "")
async def test_every_text_reaches_claude(route: Route, name: str, fields: dict[str, Any]) -> None:
    given = {key: value for key, value in fields.items() if key not in ("model", "stream", "stream_options")}
    made = json.dumps(await sent(route, **given), ensure_ascii=False)
    wanted = [text for text in texts(given) if text]
    assert [text for text in wanted if json.dumps(text, ensure_ascii=False)[1:-1] not in made] == []
