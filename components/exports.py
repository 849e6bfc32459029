"""What a stack tells of itself: what the last update that passed has made."""

from collections.abc import Mapping
from typing import Any

import pulumi


def export_after(gate: pulumi.Resource, values: Mapping[str, Any]) -> None:
    """Exports ``values`` once ``gate`` is recorded.

    An update that fails before that leaves the outputs as they were: that of the containers and the key in force.
    """
    for name, value in values.items():
        pulumi.export(name, pulumi.Output.all(value, gate.urn).apply(lambda both: both[0]))
