"""The names by which clients may call the models of a stack."""

from __future__ import annotations

import difflib
import importlib.util
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_gateway.front.contract.rejection import quoted, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

DATE = re.compile(r"-20\d{6}$")
PRICE_LIST = "model_prices_and_context_window_backup.json"
NAMED_AT_MOST = 10  # models in an error's sentence


class Models:
    """From the setting `models`, a mapping of short name to the upstream's name.

    A client may say the short name, the upstream's, or the dated or undated name of the same model. Nothing else is a
    name: no list, no pattern, no suffix such as `[1m]`.
    """

    def __init__(self, models: Mapping[str, str]) -> None:
        self._listed = list(dict.fromkeys([*models, *models.values()]))
        self._upstream = {upstream: upstream for upstream in models.values()} | dict(models)
        for upstream in models.values():
            for name in other_names(upstream):
                self._upstream.setdefault(name, upstream)

    def resolve(self, name: Any, path: str = "model") -> str:
        """The upstream's name for `name`, which stands at `path`. Raises Rejection: 400 for no name, 404 if unknown."""
        if name is None:
            raise wrong(path, "is required", code="missing_required_parameter")
        if not isinstance(name, str):
            raise wrong(path, "must be a string", code="invalid_type")
        if name not in self._upstream:
            raise wrong(path, self._unknown(name), status=404, code="model_not_found")
        return self._upstream[name]

    def listing(self) -> list[str]:
        """All short names in the setting's order, then the upstream's names that are not among them."""
        return list(self._listed)

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name[:128], self._upstream, n=1)
        if near:
            return f"there is no model {quoted(name)} here; did you mean {quoted(near[0])}?"
        known = ", ".join(self._listed[:NAMED_AT_MOST])
        return f"there is no model {quoted(name)} here; there are: {known}"


def other_names(upstream: str) -> list[str]:
    """The dated names of an undated one, and the undated name of a dated one if it can mean no other model."""
    dated = _dated_names()
    if not DATE.search(upstream):
        return dated.get(upstream, [])
    undated = DATE.sub("", upstream)
    return [undated] if dated.get(undated) == [upstream] else []


@cache
def _dated_names() -> dict[str, list[str]]:
    """Undated to dated names of Anthropic's models, from LiteLLM's price list (read without importing LiteLLM)."""
    package = importlib.util.find_spec("litellm")
    if package is None or package.origin is None:
        raise RuntimeError("litellm is not installed")
    listed = json.loads((Path(package.origin).parent / PRICE_LIST).read_bytes())
    names = defaultdict(list)
    for name, facts in listed.items():
        if facts.get("litellm_provider") == "anthropic" and DATE.search(name):
            names[DATE.sub("", name)].append(name)
    return dict(names)
