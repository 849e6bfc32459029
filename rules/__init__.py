"""What is true of a stack without an engine: its settings and the rules between them, keys, certificates, networks."""
