"""What operators do to a stack: its keys, clients and usage, backups, updates, and what an update leaves behind."""

from rules.interrupts import end_quietly

end_quietly()
