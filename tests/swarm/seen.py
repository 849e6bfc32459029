"""All that a stack on a swarm shows: to a manager, in logs and in the state, and to whoever looks at a node."""

import base64
from collections.abc import Iterable

from tests.swarm.bed import Bed


def shown(bed: Bed) -> list[str]:
    """What there is to see, a text for each place."""
    first = bed.swarm.first
    configs = [
        base64.b64decode(first.inspect("config", "inspect", config)[0]["Spec"]["Data"]).decode()
        for config in first.docker("config", "ls", "--quiet").split()
    ]
    texts = [
        first.docker("service", "inspect", *bed.services()),
        *map(bed.logs, bed.roles()),
        first.docker("secret", "inspect", *first.docker("secret", "ls", "--quiet").split()),
        *configs,
        *(path.read_text() for path in bed.stack.state.rglob("*.json")),
        *bed.stack.printed,
    ]
    for node in bed.swarm.nodes:
        texts.append(node.log())
        if containers := node.docker("ps", "--all", "--quiet").split():
            texts.append(node.docker("inspect", *containers))
            for container in node.docker("ps", "--quiet").split():
                texts.append(node.docker("exec", container, "cat", "/proc/1/environ", check=False))
                texts.append(node.docker("top", container, "-o", "pid,args"))
    return texts


def which_hold(texts: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """The beginnings of those that hold one of the secrets, as it is or in base64."""
    forms = {form for secret in secrets for form in (secret, base64.b64encode(secret.encode()).decode())}
    return [text[:80] for text in texts if any(form in text for form in forms)]
