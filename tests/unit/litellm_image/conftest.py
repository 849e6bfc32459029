"""The gateway application is not installed here: it is imported from the image's own folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "images" / "litellm" / "app"))

from claude_gateway.start.entry import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in the container: LiteLLM fetches nothing when it is imported
