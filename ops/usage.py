"""Who used what: a table from the lines that LiteLLM's containers have logged. ``make usage`` runs it.

``python -m ops.usage STACK [--since 7d] [--by client|model|day] [--json]``, in the stack's environment. The engine
rotates the logs, and a replaced container takes its own with it; what ``usageDays`` keeps on a volume stays. The table
says how far back it reaches.

A use is a request that could ask a model, and no model is asked by reading (GET, HEAD). Reading is what the stack's own
checks do: it is told apart, by the method, so that nothing that a client sends hides what it has used.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ops.clients import table
from ops.commands import OperationError, command_line, exit_status
from ops.key_rotation import duration
from ops.state import State
from rules.layout import USAGE_DIR

ROLE = "litellm"
MARK = '"list_price_usd"'
BAR = 20
READING = ("GET ", "HEAD ")
NOBODY = "(no valid key)"
BESIDES = "Besides, requests that ask no model (lists of models, the stack's own checks)"
NOTE = "The list price is an estimate by LiteLLM's own price list; a Claude login is not billed by it."
COLUMNS = ("requests", "failed", "input", "output", "cache read", "cache write", "list price")
GROUPS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "client": lambda line: str(line["client"] or NOBODY),
    "model": lambda line: str(line["model"] or "(none)"),
    "day": lambda line: str(line["time"])[:10],
}


@dataclass
class Sum:
    """What one client, model or day has used. Tokens as Anthropic counts them, price in US dollars."""

    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    list_price_usd: float = 0.0

    def add(self, line: Mapping[str, Any]) -> None:
        """Adds one request."""
        self.requests += 1
        self.failed += line["end"] != "complete"
        self.input_tokens += line["input_tokens"]
        self.output_tokens += line["output_tokens"]
        self.cache_read_tokens += line["cache_read_tokens"]
        self.cache_write_tokens += line["cache_write_tokens"]
        self.list_price_usd += line["list_price_usd"]


@dataclass
class Usage:
    """The sums by group, how many requests by each client asked no model, and the time of the oldest line there is."""

    sums: dict[str, Sum] = field(default_factory=dict)
    besides: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None


def lines(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yields the usage lines among ``texts``, each once; all else is passed over."""
    seen: set[int] = set()
    for text in texts:
        if text.startswith("{") and MARK in text and (known := hash(text)) not in seen:
            seen.add(known)
            try:
                yield json.loads(text)
            except ValueError:  # cut by the log's rotation
                continue


def summed(found: Iterable[Mapping[str, Any]], by: str, since: datetime) -> Usage:
    """Returns the sums of the lines from ``since`` on, the most expensive first (days in their order)."""
    usage = Usage()
    for line in found:
        at = datetime.fromisoformat(str(line["time"]))
        usage.oldest = min(at, usage.oldest or at)
        if at < since:
            continue
        if line["route"].startswith(READING):
            usage.besides[GROUPS["client"](line)] += 1
        else:
            usage.sums.setdefault(GROUPS[by](line), Sum()).add(line)
    if by == "day":
        usage.sums = dict(sorted(usage.sums.items()))
    else:
        usage.sums = dict(sorted(usage.sums.items(), key=lambda item: (-item[1].list_price_usd, item[0])))
    return usage


def rendered(usage: Usage, by: str, since: datetime) -> str:
    """Returns the table, with a bar for each group's share of the list price, and how far back it reaches."""
    if not usage.sums:
        return f"no model was asked since {since:%Y-%m-%d %H:%M} UTC{_reach(usage, since)}\n{_besides(usage)}"
    largest = max(total.list_price_usd for total in usage.sums.values()) or 1
    rows: list[tuple[str, ...]] = [(by, *COLUMNS, "")]
    for name, total in usage.sums.items():
        counts = (
            total.requests,
            total.failed,
            total.input_tokens,
            total.output_tokens,
            total.cache_read_tokens,
            total.cache_write_tokens,
        )
        bar = "█" * round(BAR * total.list_price_usd / largest)
        rows.append((name, *(f"{count:,}" for count in counts), f"${total.list_price_usd:,.4f}", bar))
    return f"{table(rows)}\nsince {since:%Y-%m-%d %H:%M} UTC{_reach(usage, since)}\n{_besides(usage)}{NOTE}\n"


def _reach(usage: Usage, since: datetime) -> str:
    if usage.oldest is not None and usage.oldest > since:
        return f"; the logs reach back to {usage.oldest:%Y-%m-%d %H:%M}"
    return ""


def _besides(usage: Usage) -> str:
    told = ", ".join(f"{name} {count:,}" for name, count in sorted(usage.besides.items()))
    return f"{BESIDES}: {told}.\n" if told else ""


def kept_lines(stack: str) -> Iterator[str]:
    """Yields what each LiteLLM container of the stack has logged, also one that is being replaced, and what is kept.

    Raises:
        OperationError: when the stack is not up.
    """
    state = State.of(stack)
    if state.label is None:
        raise OperationError(f"the stack {stack!r} is not up. Run: make up STACK={stack}")
    engine = state.engine()
    if state.services():
        yield from engine.logged(str((state.current(ROLE) or {}).get("id"))).splitlines()
        return
    containers = engine.containers(state.label, ROLE)
    for container in containers:
        yield from engine.log(container.id).splitlines()
    for container in containers:  # on one volume: the first one that has it has everything
        kept = False
        for line in engine.copied(container.id, USAGE_DIR):
            kept = True
            yield line.decode(errors="replace").rstrip("\n")
        if kept:
            return


def main() -> int:
    """Returns the exit status: 1 with a sentence when the stack is not up."""
    parser = command_line("make usage", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--since", default="7d", help="how far back: 30m, 24h, 7d")
    parser.add_argument("--by", default="client", help=f"one of {', '.join(GROUPS)}")
    parser.add_argument("--json", action="store_true", help="the sums as JSON")
    arguments = parser.parse_args()

    def operation() -> str:
        if arguments.by not in GROUPS:
            raise OperationError(f"BY is {arguments.by!r}, not one of: {', '.join(GROUPS)}.")
        since = datetime.now(UTC) - duration(arguments.since, "SINCE")
        usage = summed(lines(kept_lines(arguments.stack)), arguments.by, since)
        if not arguments.json:
            return rendered(usage, arguments.by, since)
        sums = {name: vars(total) for name, total in usage.sums.items()}
        told = {"oldest": usage.oldest, "usage": sums, "besides": usage.besides}
        return json.dumps(told, indent=2, default=str) + "\n"

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
