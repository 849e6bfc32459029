"""Instructor, with each mode that its users have for these APIs."""

from __future__ import annotations

from typing import Any

import anthropic
import instructor
import openai

from tests.clients.suite import FOUND, MODEL, Found, Place, scenario

BY_TOOL = 'FAKE:agent Found {"answer": 42, "city": "Paris"}'
MODES: dict[str, tuple[str, instructor.Mode, str]] = {
    "structured output by tools": ("openai", instructor.Mode.TOOLS, BY_TOOL),
    "structured output by schema": ("openai", instructor.Mode.JSON_SCHEMA, "FAKE:json"),
    "structured output in JSON mode": ("openai", instructor.Mode.JSON, "Answer in JSON. FAKE:json"),
    "structured output by Anthropic's tools": ("anthropic", instructor.Mode.TOOLS, BY_TOOL),
}


def client(api: str, mode: instructor.Mode, place: Place) -> Any:
    if api == "openai":
        return instructor.from_openai(openai.OpenAI(**place.openai), mode=mode)
    return instructor.from_anthropic(anthropic.Anthropic(**place.anthropic), mode=mode)


def add(name: str) -> None:
    api, mode, prompt = MODES[name]

    @scenario("instructor", name)
    def structured_output(place: Place) -> None:
        made = client(api, mode, place).create(
            model=MODEL, max_tokens=100, response_model=Found, messages=[{"role": "user", "content": prompt}]
        )
        assert made.model_dump() == FOUND.model_dump()


for _name in MODES:
    add(_name)
