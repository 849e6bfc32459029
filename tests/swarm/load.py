"""What clients of a stack on a swarm ask while something happens to it; none of them tries anything twice."""

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from testbed.nodes import Node
from tests.swarm.bed import ASKED, Bed, asked

T = TypeVar("T")

THREADS = 4
PAUSE_SECONDS = 0.05
STREAM = {**ASKED, "stream": True, "messages": [{"role": "user", "content": "FAKE:slow:0.1"}]}
"""Six seconds of events."""


@dataclass(frozen=True)
class Request:
    """When it began and how long it took, in seconds, and its status; 0 is no answer."""

    began: float
    seconds: float
    status: int


@dataclass
class Load:
    """What was asked so far."""

    requests: list[Request] = field(default_factory=list)

    def failed(self, since: float = 0) -> dict[int, int]:
        """How many of those that began ``since`` had another status than 200."""
        return dict(Counter(one.status for one in self.requests if one.status != 200 and one.began >= since))

    def ended(self, since: float) -> float:
        """So many seconds after ``since`` the last failure began."""
        return max((one.began - since for one in self.requests if one.status != 200), default=0)

    def described(self) -> str:
        slowest = max(one.seconds for one in self.requests)
        return f"{len(self.requests)} requests, failed {self.failed()}, slowest {slowest:.1f} s"


@contextlib.contextmanager
def load(bed: Bed, nodes: list[Node], key: str, at_least: int = 0) -> Iterator[Load]:
    """Asks these nodes in turn for as long as the body takes, and until there were ``at_least`` as many."""
    found, ended = Load(), threading.Event()

    def work(number: int) -> None:
        count = number
        while not (ended.is_set() and len(found.requests) >= at_least):
            began = time.monotonic()
            status = bed.ask(nodes[count % len(nodes)], key)
            found.requests.append(Request(began, time.monotonic() - began, status))
            count += 1
            time.sleep(PAUSE_SECONDS)

    with _side_by_side(work, range(THREADS), ended):
        yield found


@contextlib.contextmanager
def streams(bed: Bed, key: str) -> Iterator[list[str]]:
    """On each node one stream after the other for as long as the body takes; yields "whole" for each that was."""
    found: list[str] = []
    ended = threading.Event()

    def work(node: Node) -> None:
        while not ended.is_set():
            try:
                with contextlib.closing(bed.connection(node)) as connection:
                    answer = asked(connection, key, STREAM)
                    found.append("whole" if b"message_stop" in answer.read()[-100:] else f"cut, {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                found.append(repr(error))

    with _side_by_side(work, bed.swarm.nodes, ended):
        yield found


@contextlib.contextmanager
def _side_by_side(work: Callable[[T], None], each: Iterable[T], ended: threading.Event) -> Iterator[None]:
    threads = [threading.Thread(target=work, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
