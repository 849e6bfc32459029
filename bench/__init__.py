"""Benchmarks: each prints its figures and exits non-zero when a promised one is missed."""

import rules.container  # noqa: F401 - puts the image's code on the path
