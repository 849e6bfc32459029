"""Makes the image's code importable, as it is in the container."""

import sys

from rules.layout import IMAGES

sys.path.append(str(IMAGES / "acme" / "app"))
