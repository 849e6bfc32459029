"""Stops when the file of a stack's state is damaged, or gone. Usage: python -m ops.look_at_state STATE STACK.

STATE is the backend's .pulumi folder.
"""

import sys
from pathlib import Path

from rules import state_file
from rules.layout import stack_name

if __name__ == "__main__":
    state_file.checkpoint(Path(sys.argv[1]), stack_name(sys.argv[2]))
