"""LiteLLM's `custom_auth` hook.

Keys are checked in front of LiteLLM (see `asgi`), before it reads a body; what passes carries a token that was made at
start-up. So LiteLLM's own code never sees a master key and cannot log, cache or forward one, and a request that came
round the front door is refused here. The warm-up has a token of its own, because LiteLLM drops `mock_response` from
the requests of everybody who is not allowed it, and would ask Claude, who bills it.
"""

from __future__ import annotations

import hmac
import secrets

from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth

INTERNAL_TOKEN = "sk-" + secrets.token_hex(32)
WARM_UP_TOKEN = "sk-" + secrets.token_hex(32)


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:  # noqa: ARG001 - LiteLLM's signature
    """Accept what `asgi` let in, and the warm-up. Raises 401 for anything else."""
    token = (api_key or "").encode()
    if hmac.compare_digest(token, INTERNAL_TOKEN.encode()):
        return UserAPIKeyAuth(api_key="master-key")
    if hmac.compare_digest(token, WARM_UP_TOKEN.encode()):
        return UserAPIKeyAuth(api_key="warm-up", metadata={"allow_client_mock_response": True})
    raise HTTPException(status_code=401, detail="The API key is not valid.")
