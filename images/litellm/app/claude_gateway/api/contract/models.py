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

from claude_gateway.api.contract.rejection import quoted, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DATE = re.compile(r"-20\d{6}$")
PRICE_LIST = "model_prices_and_context_window_backup.json"
NAMED_AT_MOST = 10  # models in an error's sentence


class Models:
    """From the setting `models`, a mapping of short name to the upstream's name.

    A client may say the short name, the upstream's, or the dated or undated name of the same model. Nothing else is a
    name: no list, no pattern, no suffix such as `[1m]`.
    """

    def __init__(self, models: Mapping[str, str], only: Iterable[str] | None = None) -> None:
        self._listed = list(dict.fromkeys([*models, *models.values()]))
        self._upstream = {upstream: upstream for upstream in models.values()} | dict(models)
        for upstream in models.values():
            for name in other_names(upstream):
                self._upstream.setdefault(name, upstream)
        self._given = models
        self._narrowed: dict[tuple[str, ...], Models] = {}
        self._permitted = None if only is None else {self._upstream[name] for name in only if name in self._upstream}

    def only(self, names: tuple[str, ...] | None) -> Models:
        """The same models, of which a client may use `names` alone; all of them where that is None."""
        if names is None:
            return self
        if names not in self._narrowed:  # once for each client, not for each of its requests
            self._narrowed[names] = Models(self._given, names)
        return self._narrowed[names]

    def resolve(self, name: Any, path: str = "model") -> str:
        """The upstream's name for `name`, which stands at `path`.

        Raises Rejection: 400 for no name, 404 if it is unknown, 403 if it is not for this client.
        """
        if name is None:
            raise wrong(path, "is required", code="missing_required_parameter")
        if not isinstance(name, str):
            raise wrong(path, "must be a string", code="invalid_type")
        if name not in self._upstream:
            raise wrong(path, self._unknown(name), status=404, code="model_not_found")
        if not self._permits(name):
            known = ", ".join(self.listing()[:NAMED_AT_MOST]) or "none"
            message = f"this key may not use the model {quoted(name)}; it may use: {known}"
            raise wrong(path, message, status=403, code="model_not_allowed")
        return self._upstream[name]

    def listing(self) -> list[str]:
        """All short names in the setting's order, then the upstream's names that are not among them."""
        return [name for name in self._listed if self._permits(name)]

    def _permits(self, name: str) -> bool:
        return self._permitted is None or self._upstream[name] in self._permitted

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name[:128], filter(self._permits, self._upstream), n=1)
        if near:
            return f"there is no model {quoted(name)} here; did you mean {quoted(near[0])}?"
        known = ", ".join(self.listing()[:NAMED_AT_MOST])
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
