"""Parts of messages and tools that need exactly one of several fields, which the packages' types do not say."""

from __future__ import annotations

from typing import Any

from claude_gateway.api.contract.rejection import wrong

ONE_OF = {
    "file": ("file_data", "file_id"),
    "input_file": ("file_data", "file_url", "file_id"),
    "input_image": ("image_url",),
    "mcp": ("server_url",),
}


def check_parts(path: str, parts: Any) -> None:
    """Raises Rejection for a part that holds nothing, and for one of whose contents all but one would be lost."""
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        names = ONE_OF.get(part.get("type"), ())
        inside = "file" if part.get("type") == "file" else ""  # chat completions have an object there
        given = [name for name in names if (part[inside] if inside else part).get(name)]
        if len(given) != min(len(names), 1):
            place = ".".join(filter(None, (path, str(index), inside)))
            if given:
                raise wrong(place, f"has {' and '.join(given)}: send one of them", code="invalid_value")
            raise wrong(place, f"needs {' or '.join(names)}", code="missing_required_parameter")
