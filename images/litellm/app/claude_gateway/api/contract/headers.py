"""Request headers: which pass to Anthropic, which are read here, which are refused. All others end here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from anthropic.types import AnthropicBetaParam

from claude_gateway.api.contract.rejection import quoted, wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

BETA, VERSION = b"anthropic-beta", b"anthropic-version"
OPERATORS = "the gateway's operator decides about the account"
REFUSED = {b"anthropic-workspace-id": OPERATORS, b"anthropic-user-profile-id": OPERATORS}
VERSIONS = re.compile(r"20\d{2}-\d{2}-\d{2}")
"""Of Anthropic's API; which of them it speaks is Anthropic's to say."""
PACKAGE_BETAS = frozenset(
    name for literal in get_args(AnthropicBetaParam) for name in get_args(literal) if isinstance(name, str)
)
# What Claude Code and other clients send beside these, by the locked CLI's own list and Anthropic's documentation.
OTHER_BETAS = frozenset(
    {
        *("advanced-tool-use-2025-11-20", "afk-mode-2026-01-31", "auto-mode-classifier-2026-07-16"),
        *("cache-keepalive-2026-09-03", "claude-code-20250219", "claude-code-side-query-2026-09-29"),
        *("code-execution-2025-08-25", "context-hint-2026-04-09", "dangerous-tool-use-2026-09-03"),
        *("effort-2025-11-24", "fine-grained-tool-streaming-2025-05-14", "max-tokens-3-5-sonnet-2024-07-15"),
        *("mcp-servers-2025-12-04", "mid-conversation-system-2026-04-07", "per-turn-control-2026-07-01"),
        *("program-use-case-ids-2026-09-17", "prompt-caching-evict-2026-05-12", "prompt-caching-scope-2026-01-05"),
        *("redact-thinking-2026-02-12", "request-tags-2026-08-21", "resumption-2026-10-08"),
        *("search-results-2025-06-09", "structured-outputs-2025-12-15", "subagent-review-2026-11-17"),
        *("thinking-resumption-2026-07-17", "timing-2026-09-09", "tool-provenance-2026-10-26"),
        *("tool-search-tool-2025-10-19", "web-fetch-2025-09-10", "web-search-2025-03-05"),
        "web-search-results-only-2026-11-15",
    }
)
BETAS = PACKAGE_BETAS | OTHER_BETAS


def request_betas(headers: Sequence[tuple[bytes, bytes]], *, drop: bool) -> list[str]:
    """The beta features that the client asks for and Anthropic is told of, in order and once each.

    One that is not on the list is left out: clients send those of next month before anybody here has decided about
    them, and a field that needs one is refused by its own name.

    Args:
        headers: ASGI's: names in lower case.
        drop: Leave out the operator's headers, instead of refusing them (setting `dropParams`).

    Raises:
        Rejection: 400 for a version that is not spoken, a header that is the operator's.
    """
    betas: dict[str, None] = {}
    for name, value in headers:
        if name == BETA:
            given = (beta.strip() for beta in value.decode("latin-1").split(","))
            betas.update(dict.fromkeys(beta for beta in given if beta))
        elif not drop and name in REFUSED:
            raise wrong(name.decode(), f"is not supported: {REFUSED[name]}", code="unsupported_parameter")
        elif name == VERSION and not VERSIONS.fullmatch(value.decode("latin-1").strip()):
            raise wrong(VERSION.decode(), f"{quoted(value.decode('latin-1'))} is no version; send 2023-06-01")
    return [beta for beta in betas if beta in BETAS]
