"""Scripts that set up what a stack needs, and that look after its files."""

from rules.interrupts import end_quietly

end_quietly()
