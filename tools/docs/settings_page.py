"""docs/settings.md, made from the settings' model and Pulumi.yaml: ``python -m tools.docs.settings_page [--check]``."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from rules.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"
COMMAND = "python -m tools.docs.settings_page"

GROUPS = {
    "environment": "What the stack is, and where it listens",
    "masterKey": "Master key",
    "tls": "HTTPS",
    "allowedCidrs": "Who may call, and how much",
    "egressAllow": "Whom it may call",
    "models": "Models and the Claude credential",
    "clients": "Clients",
    "securityUpdates": "Images and resources",
    "orchestrator": "Where it runs",
}
"""The first setting of each group, in the order of the model, and the group's title."""

HEAD = f"""# Settings

Pulumi's own command sets them, for one stack:

    pulumi config set --stack prod hostname gateway.example.org
    pulumi config set --stack prod --path 'allowedCidrs[0]' 10.20.0.0/16
    pulumi config set --stack prod --path 'models.sonnet' claude-sonnet-5-5
    pulumi config set --stack prod --secret anthropicApiKey < FILE

A secret is set with `--secret`; without it the preview refuses. A wrong value stops the preview with a sentence that
says how to fix it; an unknown name is refused with the nearest known one. `eval "$(make -s env STACK=prod)"` gives your
shell what `pulumi` needs here. [Updating](updating.md) says what a change of each setting costs.

This page is generated: `{COMMAND}`.
"""
PLURALS = {"address": "addresses", "network": "networks", "text": "names"}
WORDS = {
    "boolean": "`true`, `false`",
    "object": "names and values",
    "password": "secret",
    "date-time": "time",
    "ipv4": "address",
    "ipv6": "address",
    "ipv4network": "network",
    "ipv6network": "network",
}
COLUMNS = "| Setting | Values | Default | What it does |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """Returns the page.

    Raises:
        KeyError: when a group begins with a setting that does not exist, or the two files do not agree on the names.
    """
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    schema = Settings.model_json_schema(by_alias=True)
    titles = dict(GROUPS)
    parts = [HEAD]
    for name, described in schema["properties"].items():
        if name in titles:
            parts.append(f"\n## {titles.pop(name)}\n\n{COLUMNS}")
        entry = declared[name]
        columns = (
            f"`{name}`",
            _values(described, schema),
            _default(entry),
            entry["description"].removeprefix("Secret. "),
        )
        parts.append(f"| {' | '.join(column.replace('|', chr(92) + '|') for column in columns)} |\n")
    if titles:
        raise KeyError(f"no setting is called {', '.join(titles)}: correct GROUPS in {Path(__file__).name}")
    return "".join(parts)


def _values(described: dict[str, Any], schema: dict[str, Any]) -> str:
    """Says in a few words what a value may be, from its JSON schema."""
    options = [_resolved(option, schema) for option in described.get("anyOf", [described])]
    known = [option for option in options if option.get("type") != "null"]
    return " or ".join(dict.fromkeys(_value(option, schema) for option in known))


def _resolved(option: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = option.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else option


def _value(option: dict[str, Any], schema: dict[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{value}`" for value in option["enum"])
    match option.get("type"):
        case "integer" | "number":
            return _range(option)
        case "array":
            return f"list of {PLURALS[_values(option['items'], schema)]}"
        case kind:
            return WORDS.get(option.get("format", "")) or WORDS.get(str(kind), "text")


def _range(option: dict[str, Any]) -> str:
    low, high = option.get("minimum"), option.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    return "over 0" if option.get("exclusiveMinimum") == 0 else "a number"


def _default(entry: dict[str, Any]) -> str:
    value = entry["default"]
    if value in ("", [], {}):
        return "not set" if value == "" else "none"
    if isinstance(value, bool):
        return f"`{json.dumps(value)}`"
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, dict):
        return ", ".join(f"`{name}: {item}`" for name, item in value.items())
    return f"`{value}`"


def main(arguments: list[str]) -> int:
    """Writes the page; with ``--check`` says whether it is what would be written (exit status 1: it is not)."""
    made = page()
    if "--check" not in arguments:
        PAGE.write_text(made)
        return 0
    if PAGE.is_file() and PAGE.read_text() == made:
        return 0
    sys.stderr.write(f"error: {PAGE.relative_to(ROOT)} is out of date. Fix: {COMMAND}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
