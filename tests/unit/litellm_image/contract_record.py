"""The objects and fields of the two APIs, as the locked packages describe them: `data/api_fields.txt`.

Written anew by `python -m tests.unit.litellm_image.contract_record` once somebody has decided about what is new.
"""

from __future__ import annotations

import sys
from pathlib import Path

RECORD = Path(__file__).parent / "data" / "api_fields.txt"


def described() -> dict[str, set[str]]:
    """`route object` to its fields, from the packages as they are installed."""
    from claude_gateway.api.contract.admission import RULES  # noqa: PLC0415 - the path to it is set first
    from claude_gateway.api.contract.schema import Builder, Shape  # noqa: PLC0415 - likewise

    found: dict[str, set[str]] = {}
    for route, rules in RULES.items():
        builder = Builder(Shape(), ignore_unknown=False)
        builder.of(rules.request)
        for name, fields in builder.known.items():
            found.setdefault(f"{route} {name}", set()).update(fields)
    return found


def recorded() -> dict[str, set[str]]:
    """The same, as somebody has seen it last."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {name: set(fields.split(", ")) for name, fields in (line.split(": ", maxsplit=1) for line in lines)}


def main() -> None:
    """Write the record."""
    lines = [f"{name}: {', '.join(sorted(fields))}\n" for name, fields in sorted(described().items())]
    RECORD.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "images" / "litellm" / "app"))
    main()
