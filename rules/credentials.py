"""Whether a Claude credential can be one: whole, and in the setting that is meant for it. The words never quote it."""

import re

VISIBLE = re.compile(r"[\x21-\x7e]+")
"""What survives an HTTP header; the container's own rule (images/litellm/app/claude_gateway/config/settings.py)."""
BELONGS = {"sk-ant-api": "anthropicApiKey", "sk-ant-oat": "claudeOauthToken"}
"""Anthropic's prefixes, and the setting for each."""
REFRESH_TOKEN = "sk-ant-ort"  # noqa: S105 - a prefix


def fault(setting: str, credential: str) -> str | None:
    """Returns why ``credential`` cannot be the value of ``setting``, or None.

    What begins otherwise is taken: an upstream of one's own (``anthropicBaseUrl``) has keys of any form.
    """
    if not credential.strip():
        return "is blank"
    if not VISIBLE.fullmatch(credential):
        return "has a blank, a line break or a non-ASCII character in it; a terminal may have wrapped it"
    if credential[0] in "\"'" or credential[-1] in "\"'" or "=sk-ant-" in credential:
        return "has quotes or a variable's name around it; give the credential alone"
    if credential.startswith(REFRESH_TOKEN):
        return "is a refresh token, which cannot be used by itself; make a token with: claude setup-token"
    for prefix, home in BELONGS.items():
        if credential.startswith(prefix) and home != setting:
            return f"holds what belongs into {home}"
    return None
