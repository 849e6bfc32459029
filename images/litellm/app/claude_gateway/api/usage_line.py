"""The line of the log that says who used what: what it holds, and how it is made. Never a text, a key or a digest."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from functools import cache

from claude_gateway.log_setup import USAGE_LOGGER

log = logging.getLogger(USAGE_LOGGER)


def _said(meaning: str) -> str:
    value: str = field(default="", metadata={"meaning": meaning})
    return value


def _counted(meaning: str) -> int:
    value: int = field(default=0, metadata={"meaning": meaning})
    return value


@dataclass
class UsageLine:
    """One request. The documentation's table is made from these fields (tools/docs/usage_page.py)."""

    time: str = _said("when the request began (RFC 3339, UTC)")
    request_id: str = _said("the answer's header `x-request-id`, and `request_id` in the gateway's own log")
    client: str = _said("the client's name; `master` for the master key, empty without a valid key")
    generation: str = _said("which generation of the client's key was used")
    route: str = _said("method and path, cut after 128 characters")
    model: str = _said("the model as the client named it; empty unless it is one of the stack's")
    status: int = _counted("the answer's status; 499 when the client left before it")
    end: str = _said("`complete`, `refused` (4xx), `failed` (5xx), `broken-off` (in a stream), or `client-left`")
    ms_first_byte: int = _counted("milliseconds to the first byte of the answer")
    ms_first_token: int = _counted("milliseconds to the first piece of what the model wrote; 0 without a stream")
    ms_total: int = _counted("milliseconds to its end")
    input_tokens: int = _counted("tokens read, without those of the cache")
    output_tokens: int = _counted("tokens written; about, by their length, when a stream ended before Anthropic said")
    cache_read_tokens: int = _counted("tokens read from Anthropic's cache")
    cache_write_tokens: int = _counted("tokens written into it")
    list_price_usd: float = field(
        default=0.0, metadata={"meaning": "the tokens at list price; an estimate, and no bill with a Claude login"}
    )
    upstream_request_id: str = _said("Anthropic's `request-id`")

    def write(self, upstream_model: str | None) -> None:
        """Logs the line; the price is that of `upstream_model`."""
        if upstream_model is not None:
            self.list_price_usd = round(self._price(upstream_model), 8)
        log.info("%s", json.dumps(asdict(self)))

    def _price(self, model: str) -> float:
        prices = list_prices(model)
        tokens = (self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens)
        return sum(count * price for count, price in zip(tokens, prices, strict=True))


@cache
def list_prices(model: str) -> tuple[float, float, float, float]:
    """US dollars for a token read, written, read from the cache and written into it, by LiteLLM's own price list.

    All zero for a model that it does not know. A cache of an hour costs more than this says.
    """
    import litellm

    try:
        known = litellm.get_model_info(model, "anthropic")
    except Exception:
        return 0.0, 0.0, 0.0, 0.0
    read, written = known["input_cost_per_token"] or 0.0, known["output_cost_per_token"] or 0.0
    cached, cache_written = known["cache_read_input_token_cost"], known["cache_creation_input_token_cost"]
    return read, written, read if cached is None else cached, read if cache_written is None else cache_written
