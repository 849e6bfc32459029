"""docs/usage.md, whose table is made from what a line of the log holds: ``python -m tools.docs.usage_page``."""

import sys
from dataclasses import fields
from pathlib import Path

from claude_gateway.api.usage_line import UsageLine

PAGE = Path(__file__).parents[2] / "docs" / "usage.md"
HEAD = """# Usage

```bash
make usage STACK=prod                  # by client, the last seven days
make usage STACK=prod BY=model SINCE=24h
make usage STACK=prod BY=day JSON=1    # for programs
```

The table adds up what LiteLLM's containers have logged: requests, failed ones, tokens, and their list price by
LiteLLM's own price list. With a Claude login that price is an estimate, and no bill. The engine keeps five files of 10
MB for each container, and a container that is replaced takes its own with it: the table says how far back it reaches.

A use is a request that could ask a model. What only reads (GET), such as the list of models, asks none: it stands in a
line below the table, with the requests of `make up` and `make verify`, which call no model.

To keep them for longer, over updates too:

```bash
pulumi config set --stack prod usageDays 90 && make up STACK=prod
```

The lines then also go to a volume of the stack's own, `litellm-claude-prod-usage`, one file of at most 128 MB a day,
and after so many days they are deleted. Requests without a valid key are left out, so that whoever has none fills
nothing. The volume stays when the stack goes, as the login's does; `docker volume rm` deletes it.

## What a line holds

Each request that reaches LiteLLM's container is one line of JSON in its log, but for wrong keys beyond
`failedAuthPerMinute`. It never holds a text, a key or a digest.

| Field | What it is |
| --- | --- |
"""
FOOT = """
This page is generated: `python -m tools.docs.usage_page`.
"""


def page() -> str:
    """Returns the page."""
    rows = [
        f"| `{field.name}` | {field.metadata['meaning'].replace('|', chr(92) + '|')} |\n" for field in fields(UsageLine)
    ]
    return HEAD + "".join(rows) + FOOT


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} written\n")
