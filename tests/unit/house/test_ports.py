"""Stacks of the tests stand side by side on one machine."""

import re
from collections import Counter

from tests.unit.house.test_habits import tracked

PORTS = re.compile(r"^[A-Z_, ]*PORT[A-Z_, ]* = (.+)$", re.MULTILINE)
NUMBER = re.compile(r"\b1\d{4}\b")


def test_no_two_modules_publish_the_same_port() -> None:
    found = Counter(
        port for path in tracked("*.py") for port in set(NUMBER.findall(" ".join(PORTS.findall(path.read_text()))))
    )
    assert len(found) > 15
    assert [port for port, modules in found.items() if modules > 1] == []
