"""The gateway application is not installed here: it is imported from the image's own folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "images" / "litellm" / "app"))
