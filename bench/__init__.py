"""Benchmarks: each prints its figures and exits non-zero when a promised one is missed."""
