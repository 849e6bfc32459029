"""Mutants of the program, and whether a test notices them."""
