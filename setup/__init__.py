"""Scripts that set up what a stack needs, and that look after its files."""
