"""The gateway application is not installed here: it is imported from the image's own folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "images" / "litellm" / "app"))

from tests.unit.litellm_image.claude_cli import Bed, cli_bed

from claude_gateway.cli import process
from claude_gateway.start.entry import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.update(ENVIRONMENT)  # as in the container: LiteLLM fetches nothing when it is imported


def pytest_asyncio_loop_factories() -> dict[str, Any]:
    """The event loop is the container's: uvloop, whose transports fail in other words than asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CLI process is given up because the machine of the tests is busy."""
    for name in ("INTERRUPT_SECONDS", "WIPE_SECONDS", "CONTROL_SECONDS"):
        monkeypatch.setattr(process, name, 120.0)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    """The real CLI before a fake API; a module that needs another one has its own."""
    with cli_bed(tmp_path) as made:
        yield made
