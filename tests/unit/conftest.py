"""What holds for all tests of modules alone: they pass on a machine without an engine, as a fresh one is."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgot to replace the engine fails on every machine, not on the first one without an engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/no-engine-in-unit-tests.sock")


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it one to which a bundle was brought."""
    monkeypatch.setattr("rules.bundle.UNPACKED", Path("/nonexistent/no-bundle-in-unit-tests"))
