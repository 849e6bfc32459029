"""Tools that nothing imports, each with a lock of its own, and what makes the documentation."""
