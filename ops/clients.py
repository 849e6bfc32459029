"""The clients of a stack: who they are, or one's key and how to use it. ``make clients`` and ``make client`` run it.

``python -m ops.clients STACK [--show NAME]``, in the project's folder and the stack's environment. Only ``--show``
prints a key, and only that client's.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pydantic import ValidationError

from ops.commands import OperationError, command_line, exit_status, pulumi
from ops.stack_file import StackFile, how_to_declare, no_client
from rules.clients import Client

COLUMNS = ("client", "models", "a minute", "at once", "from", "key", "expires")


def outputs(stack: str, *, secrets: bool) -> dict[str, Any]:
    """Returns the stack's outputs; without ``secrets`` those are masked and never decrypted."""
    shown = pulumi("stack", "output", "--json", *(["--show-secrets"] if secrets else []), stack=stack)
    found: dict[str, Any] = json.loads(shown or "{}")
    return found


def listing(stack: str, today: date) -> str:
    """Returns a table of the declared clients, with the age of each key; no key stands in it.

    Raises:
        OperationError: when one of them is not as a client can be.
    """
    declared = StackFile(stack).clients()
    if not declared:
        return f"the stack {stack!r} declares no clients. {how_to_declare(stack)}\n"
    made = outputs(stack, secrets=False).get("clients") or {}
    rows = [_row(name, _validated(name, rules, stack), made.get(name), today) for name, rules in declared.items()]
    return table([COLUMNS, *rows])


def _validated(name: str, rules: Mapping[str, Any], stack: str) -> Client:
    try:
        return Client.model_validate(rules)
    except ValidationError:
        raise OperationError(
            f"the client {name!r} would be refused. What is wrong: make preview STACK={stack}"
        ) from None


def table(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows of text in columns, the first row as their heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _row(name: str, client: Client, made: Mapping[str, Any] | None, today: date) -> tuple[str, ...]:
    limits = [
        *([f"{client.requests_per_minute} requests"] if client.requests_per_minute else []),
        *([f"{client.tokens_per_minute} tokens"] if client.tokens_per_minute else []),
    ]
    if made is None or made.get("generation") != client.generation:
        key = "not yet made: make up"
    else:
        created = made.get("created")
        key = made["generation"] + (f", {(today - date.fromisoformat(created)).days} days old" if created else "")
    over = client.expires is not None and client.expires < today
    return (
        name,
        ", ".join(client.models) if client.models else "all",
        ", ".join(limits) or "any",
        str(client.max_parallel or "any"),
        ", ".join(map(str, client.cidrs)) if client.cidrs else "anywhere",
        key,
        f"{client.expires or 'never'}{' (expired)' if over else ''}",
    )


def key_and_use(stack: str, name: str) -> str:
    """Returns one client's key, and the lines with which Claude Code, curl and the SDKs use it.

    Raises:
        OperationError: when there is no such client, or its key is not made yet.
    """
    declared = StackFile(stack).clients()
    if declared and not name:
        raise OperationError(
            f"say whose: make client STACK={stack} NAME={next(iter(declared))}. make clients lists them"
        )
    if name not in declared:
        raise OperationError(no_client(name, declared, stack))
    found = outputs(stack, secrets=True)
    key = (found.get("client_keys") or {}).get(name)
    if key is None:
        raise OperationError(f"the client {name!r} has no key yet. Run: make up STACK={stack}")
    url = found["url"]
    certificates = trusted = ""
    if found.get("ca_certificate"):
        certificates = f"""
  certificate     make -s STACK={stack} output NAME=ca_certificate >ca.pem
                  export NODE_EXTRA_CA_CERTS=$PWD/ca.pem SSL_CERT_FILE=$PWD/ca.pem"""
        trusted = "--cacert ca.pem "  # a CURL_CA_BUNDLE of the shell's would win over SSL_CERT_FILE
    return f"""{key}
{certificates}
  Claude Code     export ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={key}; claude
  Anthropic SDKs  export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY={key}
  OpenAI SDKs     export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key}
  curl            printf 'x-api-key: {key}' | curl -H @- {trusted}{url}/v1/models
"""


def main() -> int:
    """Returns the exit status: 1 with a sentence when there is no such client or stack."""
    parser = command_line("make clients", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--show", metavar="NAME", help="print this client's key, and how to use it")
    arguments = parser.parse_args()
    if arguments.show is not None:
        return exit_status(lambda: key_and_use(arguments.stack, arguments.show))
    return exit_status(lambda: listing(arguments.stack, datetime.now(UTC).date()))


if __name__ == "__main__":
    sys.exit(main())
