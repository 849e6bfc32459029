"""rules/model_ends.json, made from the price list of the locked LiteLLM: ``python -m tools.model_ends``."""

import importlib.util
import json
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rules.model_ends import LIST

PRICE_LIST = "model_prices_and_context_window_backup.json"
NAME = re.compile(r"claude-([a-z]+)-(\d+)(?:-(\d{1,2}))?(?:-\d{8})?")


def models() -> dict[str, dict[str, str | None]]:
    """Returns Anthropic's models that have an end, with that day and the newest model of the same family."""
    package = importlib.util.find_spec("litellm")
    if package is None or package.origin is None:
        raise RuntimeError("litellm is not installed. Run: make setup-dev")
    listed = json.loads((Path(package.origin).parent / PRICE_LIST).read_bytes())
    own = {name: facts for name, facts in listed.items() if facts.get("litellm_provider") == "anthropic"}
    return {
        name: {"ends": facts["deprecation_date"], "successor": _successor(name, own)}
        for name, facts in sorted(own.items())
        if facts.get("deprecation_date")
    }


def _successor(name: str, own: dict[str, Any]) -> str | None:
    """The newest model of the family that has no end itself."""
    parts = NAME.fullmatch(name)
    if parts is None:
        return None
    lasting = [other for other, facts in own.items() if not facts.get("deprecation_date")]
    family = [found for other in lasting if (found := NAME.fullmatch(other)) and found[1] == parts[1]]
    newest = max(family, key=lambda found: (int(found[2]), int(found[3] or 0), -len(found[0])), default=None)
    return newest[0] if newest else None


def main() -> int:
    """Writes the file."""
    made = {"of": f"litellm {version('litellm')}", "made": datetime.now(UTC).date().isoformat(), "models": models()}
    LIST.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
