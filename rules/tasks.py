"""Whether a task of a Swarm's service is what the service says. Pure functions on what the engine's API gives."""

from collections.abc import Mapping
from typing import Any

LIKE_THE_SERVICE = ("ContainerSpec", "Resources", "LogDriver")
"""What of a task is another one's when the service was changed; the rest tells where it may be."""


def as_declared(task: Mapping[str, Any], service: Mapping[str, Any], *, as_often: bool = False) -> bool:
    """Whether a task was made from the service's present template; ``as_often``, after its last forced update, too."""
    template = service["Spec"]["TaskTemplate"]
    parts = (*LIKE_THE_SERVICE, "ForceUpdate") if as_often else LIKE_THE_SERVICE
    return all(task["Spec"].get(part) == template.get(part) for part in parts)
