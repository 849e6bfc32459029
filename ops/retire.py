"""Ends a rotation's overlap: the previous master key, or a client's, is refused from now on. ``make retire`` runs it.

``python -m ops.retire STACK [--client NAME]``, in the project's folder and the stack's environment.
"""

import sys

from ops.commands import command_line, exit_status
from ops.key_rotation import Change
from ops.rotate import alone, report, update
from ops.stack_file import StackFile


def retire(stack: str, client: str | None = None) -> str:
    """Retires the previous master key, or a client's, and returns what to tell the operator."""
    if StackFile(stack).keys(client).previous_expires is None:
        return f"The {f'client {client!r}' if client else f'stack {stack!r}'} has no previous key; nothing to do.\n"
    update(stack, Change().of_client(client) if client else Change())
    return report(stack, client)


def main() -> int:
    """Returns the exit status: 1 with a sentence when the key was not retired."""
    parser = command_line("make retire", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--client", help="the client whose key it is; without it, the master key")
    arguments = parser.parse_args()

    def operation() -> str:
        with alone():
            return "\n" + retire(arguments.stack, arguments.client)

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
