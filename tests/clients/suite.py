"""What a scenario is, and what it may look at."""

from __future__ import annotations

import base64
import inspect
import json
import os
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

MODEL = "claude-sonnet-5-5"
ANSWER = "word0 word1 word2 word3 word4"
SIGNATURE = "EqQBCkYIBxgCKkDsig+/="
HI = "hello"
LOOK_UP = 'FAKE:agent get_weather {"city": "Paris"}'
LOOK_UP_TWICE = f'{LOOK_UP}\nFAKE:agent get_weather {{"city": "Rome"}}'
THINK_AND_LOOK_UP = "FAKE:thinktool"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = f"data:image/png;base64,{PIXEL}"
PDF = base64.b64encode(b"%PDF-1.4 a report").decode()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Found(BaseModel):
    """What a structured answer holds; the fake's script `json` says the same."""

    answer: int
    city: str


FOUND = Found(answer=42, city="Paris")


def weather(city: str) -> str:
    """The weather of a city."""
    return f"warm in {city}"


@dataclass(frozen=True)
class Place:
    """Where the gateway is, and the fake API behind it."""

    url: str
    key: str
    fake: str

    @property
    def openai(self) -> dict[str, Any]:
        """What OpenAI's client is told."""
        return {"base_url": f"{self.url}/v1", "api_key": self.key, "max_retries": 0}

    @property
    def anthropic(self) -> dict[str, Any]:
        """What Anthropic's client is told."""
        return {"base_url": self.url, "api_key": self.key, "max_retries": 0}

    def records(self) -> list[dict[str, Any]]:
        """The calls of Claude in this scenario."""
        with urllib.request.urlopen(f"{self.fake}/__fake__/requests", timeout=10) as answer:
            return [one for one in json.load(answer)["requests"] if one["path"].startswith("/v1/messages")]

    def forget(self) -> None:
        asked = urllib.request.Request(f"{self.fake}/__fake__/requests", method="DELETE")
        urllib.request.urlopen(asked, timeout=10).close()

    def sent(self) -> dict[str, Any]:
        """The body of the last call."""
        body: dict[str, Any] = self.records()[-1]["body"]
        return body

    def kinds(self) -> list[str]:
        """The types of all blocks that the last call sent."""
        messages = [one["content"] for one in self.sent()["messages"] if isinstance(one["content"], list)]
        return [block["type"] for content in messages for block in content]

    def saw_results(self, *cities: str) -> None:
        """The last call has the results of the tool for these cities."""
        text = json.dumps(self.sent()["messages"])
        assert all(f"warm in {city}" in text for city in cities), text

    def saw_thoughts(self) -> None:
        """The last call still asks for thinking, and has the signed thoughts that a budget wants."""
        sent = self.sent()
        self.saw_results("Paris")
        assert "thinking" in sent, "the wish for thinking is lost"
        assert SIGNATURE in json.dumps(sent) or sent["thinking"]["type"] == "adaptive", "the thoughts are lost"

    def ended(self) -> None:
        """The call that the client has left ends at once."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if [one["outcome"] for one in self.records()] == ["client-gone"]:
                return
            time.sleep(0.05)
        raise AssertionError([one["outcome"] for one in self.records()])


Scenario = Callable[[Place], Any]
SCENARIOS: dict[tuple[str, str], Scenario] = {}


def scenario(client: str, name: str) -> Callable[[Scenario], Scenario]:
    """Adds to the suite what `client` does under this name."""

    def add(function: Scenario) -> Scenario:
        SCENARIOS[client, name] = function
        return function

    return add


def run(client: str, name: str, place: Place) -> str:
    """Returns what went wrong, or nothing."""
    place.forget()
    try:
        made = SCENARIOS[client, name](place)
        if inspect.isawaitable(made):
            import asyncio  # noqa: PLC0415 - for one client

            asyncio.run(_awaited(made))
    except Exception as error:  # noqa: BLE001 - whatever a client raises is the outcome
        return f"{type(error).__name__}: {error}"[:1500] or "failed"
    return ""


async def _awaited(made: Any) -> None:
    await made


def place() -> Place:
    """From the environment."""
    return Place(os.environ["SUITE_URL"], os.environ["SUITE_KEY"], os.environ["SUITE_FAKE"])
