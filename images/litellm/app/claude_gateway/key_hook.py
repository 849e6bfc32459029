"""LiteLLM's `custom_auth` hook.

Keys are checked in front of LiteLLM (see `asgi`), before it reads a body; what passes carries a token that was made at
start-up. So LiteLLM's own code never sees a master key and cannot log, cache or forward one, and a request that came
round the front door is refused here.
"""

from __future__ import annotations

import hmac
import secrets

from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth

INTERNAL_TOKEN = "sk-" + secrets.token_hex(32)


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:  # noqa: ARG001 - LiteLLM's signature
    """Accept what `asgi` let in. Raises 401 for anything else."""
    if hmac.compare_digest((api_key or "").encode(), INTERNAL_TOKEN.encode()):
        return UserAPIKeyAuth(api_key="master-key")
    raise HTTPException(status_code=401, detail="The API key is not valid.")
