"""A generation that was taken back out of the stack's file: its key is gone, and Pulumi would make one that nobody has.

A rotation keeps the key before it until that is retired. Who then reverts the file to what it was before (an older
commit, a copy) would change the key of all clients at once, without a word.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ops.commands import OperationError
from ops.decrypted_setting import decrypted
from ops.names import prefix
from ops.state import State
from rules.layout import stack_name
from rules.setting_types import FIRST_GENERATION, GENERATION
from rules.stack_settings import setting
from rules.unquoted_times import day

STACK = "pulumi:pulumi:Stack"
GENERATED = "generated"
ELSEWHERE = timedelta(days=1)
"""By which today's date may be behind the one that somebody in another time zone has set."""


def refuse_lost_keys(state: State, stack: str, folder: Path) -> None:
    """Stops when a key of an earlier generation than that in force is asked for, and the stack has it no more.

    Raises:
        OperationError: with the command that keeps the key in force.
    """
    known = {str(resource["urn"]).rpartition("::")[2] for resource in state.resources}
    for key, path, wanted, in_force in _keys(state, stack, folder):
        if _before(wanted, in_force) and f"{prefix(stack)}-{key}-{wanted}" not in known:
            where = f"--path '{path}keyRotation'" if path else "keyRotation"
            client = f" CLIENT={path.split('.')[1]}" if path else ""
            raise OperationError(
                f"{path}keyRotation: the key in force is that of {in_force}, and that of "
                f"{'before any rotation' if wanted == FIRST_GENERATION else wanted} is gone: there would be a new one, "
                f"which no client has. Fix: pulumi config set --stack {stack} {where} {in_force} (for a new key: "
                f"make rotate STACK={stack}{client})"
            )


def _keys(state: State, stack: str, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yields of each generated key its resource, its path among the settings, and which one is wanted and in force."""
    outputs: dict[str, Any] = next((one.get("outputs") or {} for one in state.resources if one["type"] == STACK), {})
    name = stack_name(stack)
    generated = setting("environment", name, folder) == "production" and not setting("masterKey", name, folder)
    if generated and outputs.get("master_key_source") == GENERATED:  # a configured key has a date, too
        yield "master-key", "", _text(decrypted("keyRotation", stack, folder)), str(outputs.get("key_generation") or "")
    clients, described = setting("clients", name, folder), outputs.get("clients") or {}
    for client, rules in clients.items() if isinstance(clients, dict) else ():
        of_client = described.get(client) if isinstance(described, dict) else None
        if isinstance(of_client, dict) and (rules is None or isinstance(rules, dict)):
            wanted = _text((rules or {}).get("keyRotation"))
            yield f"client-{client}-key", f"clients.{client}.", wanted, str(of_client.get("generation") or "")


def _text(generation: Any) -> str:
    return str(day(generation) or FIRST_GENERATION)


def _before(wanted: str, in_force: str) -> bool:
    """Whether a generation is an earlier one; what is none is the settings' own rules' to refuse."""
    if not GENERATION.fullmatch(in_force):
        return False
    if not GENERATION.fullmatch(wanted):
        return wanted == FIRST_GENERATION
    try:
        (former, number), (latter, later_number) = _order(wanted), _order(in_force)
    except ValueError:
        return False
    return former < latter - ELSEWHERE or (former == latter and number < later_number)


def _order(generation: str) -> tuple[date, int]:
    written, _, number = generation.partition(".")
    return date.fromisoformat(written), int(number or 1)
