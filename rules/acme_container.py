"""What the acme container refuses to start with, by its own rules, so that the preview refuses it too."""

import sys
from enum import StrEnum

from rules.layout import IMAGES

# Behind all others: nothing of the image takes a package's place here.
sys.path.append(str(IMAGES / "acme" / "app"))

from acme_keeper.settings import DNS, HTTP, missing, provider_fault, variables

__all__ = ["AcmeChallenge", "missing", "provider_fault", "variables"]


class AcmeChallenge(StrEnum):
    """How the CA is shown whose name it is: a DNS record, or a page on port 80."""

    DNS = DNS
    HTTP = HTTP
