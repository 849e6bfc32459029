"""Request headers by allow-list, routes and names of models."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

import claude_agent_sdk
import pytest

from claude_gateway.api.contract import Models, Rejection, Route, request_betas
from claude_gateway.api.contract.headers import BETAS, PACKAGE_BETAS
from claude_gateway.api.model_list import model_answer
from claude_gateway.dialect import Dialect

CLI = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
DATED = re.compile(rb"-20\d\d-\d\d-\d\d[\"'`]")
NAME = re.compile(rb"[\"'`]([a-z0-9-]+)$")
# Names with a date in the locked CLI that are no betas of /v1/messages: other APIs', and versions of other platforms.
NO_BETAS = {
    *("bedrock-2023-05-31", "vertex-2023-10-16", "oidc-federation-2026-04-01", "ccr-byoc-2025-07-29"),
    *("ccr-triggers-2026-01-30", "environments-2025-11-01", "foo-2025-01-01"),
    "oauth-2025-04-20",  # how a client proves itself to Anthropic, which here the gateway does
}


def betas(*values: str, drop: bool = False) -> list[str]:
    return request_betas([(b"anthropic-beta", value.encode()) for value in values], drop=drop)


def test_known_betas_pass_in_order_and_once() -> None:
    assert betas("effort-2025-11-24, files-api-2025-04-14", "effort-2025-11-24,") == [
        "effort-2025-11-24",
        "files-api-2025-04-14",
    ]
    assert request_betas([(b"accept", b"*/*"), (b"x-stainless-lang", b"js")], drop=False) == []


def test_an_unknown_beta_is_left_out() -> None:
    assert betas("nope-2025-11-25,effort-2025-11-24") == ["effort-2025-11-24"]


def test_how_a_client_logs_in_is_no_matter_of_the_upstream() -> None:
    assert betas("oauth-2025-04-20,claude-code-20250219") == ["claude-code-20250219"]


def test_the_package_lists_betas() -> None:
    """It gives them as literals beside `str`; a package that gives them otherwise would leave the list empty."""
    assert len(PACKAGE_BETAS) > 40
    assert "interleaved-thinking-2025-05-14" in PACKAGE_BETAS


def test_every_beta_in_the_locked_cli_is_decided_about() -> None:
    """A newer CLI's fail here by name: to `headers.py` if Claude Code sends it with messages, else to NO_BETAS."""
    found = set()
    with CLI.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as program:
        for date in DATED.finditer(program):
            name = NAME.search(program[max(0, date.start() - 64) : date.end() - 1])
            if name is not None:
                found.add(name[1].decode())
    assert "effort-2025-11-24" in found
    assert found - BETAS - NO_BETAS == set()


def test_a_version_that_is_none_is_refused_and_any_other_is_anthropics_to_judge() -> None:
    for version in (b"2023-06-01", b"2026-10-21"):
        assert request_betas([(b"anthropic-version", version)], drop=False) == []
    with pytest.raises(Rejection, match="anthropic-version"):
        request_betas([(b"anthropic-version", b"2031-01-01\x1b")], drop=False)


@pytest.mark.parametrize("name", [b"anthropic-workspace-id", b"anthropic-user-profile-id"])
def test_the_account_is_the_operators_matter(name: bytes) -> None:
    with pytest.raises(Rejection, match="operator"):
        request_betas([(name, b"x")], drop=False)
    assert request_betas([(name, b"x")], drop=True) == []


@pytest.mark.parametrize("header", [b"x-litellm-num-retries", b"x-litellm-api-base", b"openai-organization", b"cookie"])
def test_other_headers_mean_nothing(header: bytes) -> None:
    assert request_betas([(header, b"50")], drop=False) == []


@pytest.mark.parametrize(
    ("path", "route", "identifier"),
    [
        ("/v1/messages", Route.MESSAGES, None),
        ("/messages", Route.MESSAGES, None),
        ("/v1/messages/count_tokens", Route.COUNT_TOKENS, None),
        ("/chat/completions", Route.CHAT, None),
        ("/v1/responses", Route.RESPONSES, None),
        ("/completions", Route.COMPLETIONS, None),
        ("/v1/models", Route.MODELS, None),
        ("/v1/models/sonnet", Route.MODEL, "sonnet"),
        ("/models/a/b", Route.MODEL, "a/b"),
        ("/v1/models/", None, None),
        ("/v1/models/{id}", Route.MODEL, "{id}"),
        ("/v1", None, None),
        ("/", None, None),
        ("/v1/v1/messages", None, None),
        ("/v1/messages/", None, None),
        ("/v1/embeddings", None, None),
        ("/v1/responses/resp_1", None, None),
    ],
)
def test_paths_lead_to_routes(path: str, route: Route | None, identifier: str | None) -> None:
    assert Route.of(path) == (route, identifier)


def test_routes_say_their_dialect_and_methods() -> None:
    assert Route.COUNT_TOKENS.dialect is Dialect.ANTHROPIC
    assert Route.CHAT.dialect is Dialect.OPENAI
    assert Route.MODEL.methods == ("GET", "HEAD")
    assert Route.RESPONSES.methods == ("POST",)


def test_a_model_has_a_short_a_full_and_a_dated_name() -> None:
    models = Models({"sonnet": "claude-sonnet-4-5", "old": "claude-haiku-4-5-20251001"})
    for name in ("sonnet", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"):
        assert models.resolve(name) == "claude-sonnet-4-5"
    for name in ("old", "claude-haiku-4-5", "claude-haiku-4-5-20251001"):
        assert models.resolve(name) == "claude-haiku-4-5-20251001"
    assert models.listing() == ["sonnet", "old", "claude-sonnet-4-5", "claude-haiku-4-5-20251001"]


def test_a_name_that_is_configured_beats_one_that_is_derived() -> None:
    models = Models({"claude-sonnet-4-5": "claude-opus-5-5", "x": "claude-sonnet-4-5-20250929"})
    assert models.resolve("claude-sonnet-4-5") == "claude-opus-5-5"


def test_a_list_without_a_model_has_no_first_and_no_last() -> None:
    """As anthropic.pagination.SyncPage types them; a client may be allowed none of the stack's models."""
    listed = model_answer(Models({}), Dialect.ANTHROPIC, None)
    assert (listed["data"], listed["first_id"], listed["last_id"]) == ([], None, None)
    assert model_answer(Models({}), Dialect.OPENAI, None)["data"] == []
