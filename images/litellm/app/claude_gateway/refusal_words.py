"""What the client is told when Claude refuses or cannot be reached: one sentence each, whatever the credential."""

from __future__ import annotations

import re

from claude_gateway.config.time_limits import SILENCE_SECONDS

ACCOUNT = (
    "Anthropic declines because of the account behind this gateway (its billing, plan or extra usage), not because of "
    "your request: the operator has to settle it with Anthropic, and finds Anthropic's words in the log (make logs)."
)
BROKE_OFF = "The answer from Claude broke off."
TOO_DEEP = "Claude called a tool with arguments that are nested too deeply to be read."
SILENT = f"Claude said nothing for {SILENCE_SECONDS:g} s."
UNREACHABLE = "Claude cannot be reached from the gateway: the operator finds the reason with make logs."
UNREACHABLE_RETRY_SECONDS = 5
# A 400 of Anthropic's that is about who pays.
ABOUT_THE_ACCOUNT = re.compile(
    r"credit balance|billing|extra usage|usage limit|spend limit|organization|subscription", re.IGNORECASE
)
WORDS = {
    404: "Anthropic does not know this model: the operator must correct the setting models.",
    413: "The request is too large for Claude.",
    429: "Claude's rate limit is reached.",
    529: "Claude is overloaded.",
}
RETRY_SECONDS = {429: 30, 529: 5}
"""When to try again, where Anthropic does not say it."""
