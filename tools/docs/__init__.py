"""The documentation site."""

import rules.container  # noqa: F401 - puts the image's code on the path
