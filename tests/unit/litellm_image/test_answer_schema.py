"""The definitions of an answer's schema can be put in their places, and do not grow without measure there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL, refusal
from tests.unit.litellm_image.openai_lab import answer, sent

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
A, B = {"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}
TWICE = {
    f"d{n}": {"properties": {"l": {"$ref": f"#/$defs/d{n + 1}"}, "r": {"$ref": f"#/$defs/d{n + 1}"}}} for n in range(40)
}
ITSELF = "refers to itself, which Claude does not take: say how deep it goes"


def refused(schema: dict[str, Any]) -> list[str | None]:
    """What each of the two routes says."""
    form = {"name": "n", "schema": schema}
    said = {
        "response_format.json_schema.schema": refusal(
            Route.CHAT, {**SMALL[Route.CHAT], "response_format": {"type": "json_schema", "json_schema": form}}
        ),
        "text.format.schema": refusal(
            Route.RESPONSES, {**SMALL[Route.RESPONSES], "text": {"format": {"type": "json_schema", **form}}}
        ),
    }
    for path, rejection in said.items():
        assert rejection is None or (rejection.status, rejection.param) == (400, path)
    return [rejection.message.partition(": ")[2] if rejection else None for rejection in said.values()]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$defs": {"node": NODE}, **NODE}, ITSELF),
        ({"properties": {"child": {"$ref": "#"}}}, ITSELF),
        ({"properties": {"a": A}, "definitions": {"a": B, "b": A}}, ITSELF),
        ({"properties": {"a": A}}, 'has a $ref to "#/$defs/a", which is not among its definitions'),
        ({"properties": {"a": {"$ref": 5}}}, "has a $ref that is no text"),
        ({"properties": {"$ref": {"$ref": 5}}}, "has a $ref that is no text"),
        ({"items": {"$ref": {"type": "string"}}}, "has a $ref that is no text"),
        (
            {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**TWICE, "d40": {"type": "string"}}},
            "has more than 20,000 values with its definitions in their places",
        ),
    ],
    ids=["self", "root", "circle", "nowhere", "number", "within a property", "object", "bomb"],
)
def test_what_cannot_be_put_in_its_place_is_refused(schema: dict[str, Any], words: str) -> None:
    assert refused(schema) == [words, words]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": A, "b": B}, "$defs": {"a": {"type": "string"}, "b": {"items": A}}},
        {"type": "object", "properties": {"definitions": {"type": "string"}, "$defs": {"type": "number"}}},
        {"type": "object", "properties": None, "$defs": None},
    ],
    ids=["twice", "names", "null"],
)
def test_others_pass(schema: dict[str, Any]) -> None:
    assert refused(schema) == [None, None]


def test_many_definitions_in_a_row_are_no_matter() -> None:
    row: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(5_000)}
    assert refused({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**row, "d5000": {"type": "string"}}}) == [
        None,
        None,
    ]


async def test_a_property_may_be_called_as_a_reference_is() -> None:
    """As where the answer is itself a schema."""
    inner = {"type": "object", "properties": {"$ref": {"$ref": "#/$defs/a"}}, "required": ["$ref"]}
    schema = {**inner, "$defs": {"a": {"type": "object", "properties": {"$ref": {"type": "string"}}}}}
    form = {"type": "json_schema", "name": "n", "schema": schema}
    made = [
        await sent(Route.CHAT, response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}),
        await sent(Route.RESPONSES, text={"format": form}),
    ]
    for asked in made:
        read = asked["output_format"]["schema"]
        assert read["required"] == ["$ref"]
        assert list(read["properties"]) == ["$ref"]
        assert read["properties"]["$ref"]["properties"] == {"$ref": {"type": "string"}}
    assert (await answer(Route.RESPONSES, text={"format": form}))["text"]["format"] == form
