"""Proves, on the running stack, that it is as secure as its declaration says: ``python -m posture --stack NAME``."""
