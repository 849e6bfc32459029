"""Runs the suite, and prints a line of JSON for each scenario: client, name, and what went wrong."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from tests.clients.suite import SCENARIOS, place, run

FAMILIES = ("anthropic", "openai", "langchain", "pydantic_ai", "openai_agents", "instructor")


def main() -> None:
    """With arguments only the families named."""
    for family in sys.argv[1:] or FAMILIES:
        import_module(f"tests.clients.with_{family}")
    where = place()
    for client, name in SCENARIOS:
        sys.stdout.write(json.dumps([client, name, run(client, name, where)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
