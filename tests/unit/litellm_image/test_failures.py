"""An exception that is raised twice keeps the frames of both times, with all that is in them."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import claude_gateway

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own


def test_no_module_holds_an_exception_that_requests_would_raise_again_and_again() -> None:
    """Each time would add a traceback to it, whose frames hold a client's request and answer: for good."""
    modules = [one.name for one in pkgutil.walk_packages(claude_gateway.__path__, "claude_gateway.")]
    assert "claude_gateway.api.responses" in modules
    held = [
        f"{module}.{name}"
        for module in modules
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, BaseException)
    ]
    assert held == []
