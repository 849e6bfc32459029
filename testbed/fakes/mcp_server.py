"""An MCP server on standard input and output, stdlib only, with one tool, which shouts."""

from __future__ import annotations

import json
import sys
from typing import Any

SCHEMA = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}


def answer(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the server says to one request (https://modelcontextprotocol.io/specification)."""
    if method == "initialize":
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "loud", "version": "1"}}
        return {"protocolVersion": given["protocolVersion"], **about}
    if method == "tools/list":
        return {"tools": [{"name": "shout", "description": "Shouts.", "inputSchema": SCHEMA}]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": given["arguments"]["words"].upper()}]}
    return {}


def main() -> None:
    """Answer line by line until the client leaves."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            result = answer(asked["method"], asked.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
