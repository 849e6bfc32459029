"""Every field of the two APIs is decided about, and none of LiteLLM's own enters."""

from __future__ import annotations

import ast
import importlib.util
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.contract_cases import LARGE, MODELS, SMALL, refusal
from tests.unit.litellm_image.contract_record import RECORD, described, recorded

from claude_gateway.api.contract import Route, admit, prepare
from claude_gateway.api.contract.admission import RULES, contract
from claude_gateway.api.contract.types import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = list(RULES)
LITELLM = (
    *("main.py", "utils.py", "router.py", "responses/main.py", "types/utils.py", "types/router.py"),
    *("proxy/common_request_processing.py", "proxy/litellm_pre_call_utils.py", "proxy/route_llm_request.py"),
    *("proxy/_types.py", "litellm_core_utils/get_litellm_params.py"),
)
# Parts of LiteLLM's answers, which clients send back as they are.
ANSWERED = {"cache_control", "provider_specific_fields", "thinking_blocks", "reasoning_content", "index"}
# Objects of our own, which are the packages' with what clients keep in them.
GROWN = {f"Answered{kind}": f"ChatCompletionContentPart{kind}Param" for kind in ("Text", "Refusal")}
READERS = {f"{request}.{how}" for request in ("kwargs", "data", "litellm_params") for how in ("get", "pop")}
ENTRY_POINTS = {"completion", "acompletion", "text_completion", "responses", "aresponses", "get_litellm_params"}
KNOWN = {  # some that the penetration test of November 2026 used, so that a reader of names that finds none is noticed
    *("custom_llm_provider", "deployment_id", "api_key", "api_base", "extra_headers", "fallbacks", "num_retries"),
    *("guardrails", "drop_params", "mock_response", "litellm_credential_name", "model_list", "base_url"),
}


@cache
def litellms_names() -> frozenset[str]:
    """Parameters of LiteLLM's functions, and keys that it reads from a request, from the locked package's source."""
    package = importlib.util.find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    found: set[str] = set()
    for file in LITELLM:
        found.update(_names(ast.parse((Path(package.origin).parent / file).read_bytes())))
    return frozenset(found)


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in ENTRY_POINTS:
                yield from (argument.arg for argument in [*node.args.args, *node.args.kwonlyargs])
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == "all_litellm_params":
                yield from (name for part in ast.walk(node) for name in _text(part))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in READERS and node.args:
            yield from _text(node.args[0])


def _text(node: ast.AST) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_the_names_are_really_litellms() -> None:
    assert litellms_names() >= KNOWN
    assert len(litellms_names()) > 200


@pytest.mark.parametrize("route", ROUTES)
def test_no_field_of_litellms_own_enters_at_the_top(route: Route) -> None:
    for name in litellms_names() - set(RULES[route].decisions):
        rejection = refusal(route, {**SMALL[route], name: "x"})
        assert rejection is not None, name
        assert (rejection.status, rejection.param) == (400, name)
        assert name not in admit(route, {**SMALL[route], name: "x"}, models=MODELS, drop=True)


@pytest.mark.parametrize("route", ROUTES)
def test_no_field_of_litellms_own_is_known_at_any_depth(route: Route) -> None:
    """But for what an API defines in that very object, what LiteLLM's answers hold, and what is left out."""
    theirs: dict[str, set[str]] = {}
    for name, fields in described().items():
        theirs.setdefault(name.split(" ")[1], set()).update(fields)
    for name, known in contract(route, drop=False).builder.known.items():
        ours = (
            set(known) - theirs.get(GROWN.get(name, name), set()) - RULES[route].shape.left_out.get(name, frozenset())
        )
        assert ours & litellms_names() <= ANSWERED | set(RULES[route].added), name


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_not_known_is_refused_at_any_depth(route: Route) -> None:
    """In each object of a request with much in it, but for JSON that is the client's own (schemas, inputs)."""
    without = admit(route, LARGE[route], models=MODELS, drop=True)
    for path, _ in objects(LARGE[route], ()):
        if set(path) & {"schema", "input_schema", "parameters", "input_examples"} or path[-1:] == ("input",):
            continue
        body = deepcopy(LARGE[route])
        at(body, path)["api_base"] = "x"
        rejection = refusal(route, body)
        assert rejection is not None, path
        assert rejection.param == ".".join(map(str, (*path, "api_base")))
        assert admit(route, body, models=MODELS, drop=True) == without


def objects(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from objects(member, (*path, name))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@pytest.mark.parametrize("route", ROUTES)
def test_every_field_of_the_package_is_decided_about(route: Route) -> None:
    """A new release's field fails here by its name: decide in `contract/*_rules.py` whether it passes."""
    rules = RULES[route]
    theirs = set(fields_of(rules.request)) | set(rules.added)
    assert not theirs - set(rules.decisions) - rules.headers, "undecided"
    assert not set(rules.decisions) - theirs, "decided, but in neither API"
    assert not rules.headers - theirs


def test_every_object_and_field_at_any_depth_has_been_seen_by_somebody() -> None:
    """What a new release adds passes on the routes: look whether it may, then run contract_record.py."""
    now, then = described(), recorded()
    new = {name: sorted(fields - then.get(name, set())) for name, fields in now.items()}
    gone = {name: sorted(fields - now.get(name, set())) for name, fields in then.items()}
    assert {name: fields for name, fields in new.items() if fields} == {}
    assert {name: fields for name, fields in gone.items() if fields} == {}, RECORD


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_said_about_objects_is_said_about_objects_that_exist(route: Route) -> None:
    """A name of the package that changed would leave a rule without effect."""
    shape = RULES[route].shape
    names = {part for name in described() if name.startswith(f"{route} ") for part in name.split(" ")[1].split("+")}
    ours = {part for name in contract(route, drop=False).builder.known for part in name.split("+")}
    assert not (set(shape.fields) | set(shape.left_out)) - names - ours
    assert not set(shape.refused) - names
    known = contract(route, drop=False).builder.known
    for name, fields in shape.left_out.items():
        described_fields = [have for key, have in known.items() if name in key.split("+")]
        assert all(fields <= have for have in described_fields), name


@pytest.mark.parametrize("drop", [False, True])
def test_no_request_waits_for_its_contract_to_be_made(drop: bool) -> None:
    prepare(drop=drop)
    made = contract.cache_info().misses
    for route in ROUTES:
        admit(route, SMALL[route], models=MODELS, drop=drop)
    assert contract.cache_info().misses == made
