"""What the samples of a rotation benchmark say, and whether that is what the project promises."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import nan
from statistics import quantiles

from bench.rotation_load import STREAMS, Sample

LEAST_REQUESTS = 2000
MOST_P99_RATIO = 3.0
SETTLING_SECONDS = 6.0  # at first connections are made and the load's own program starts: not the steady state


@dataclass(frozen=True)
class Figures:
    """One run. Times are in seconds; `refused`: the old key after the rotation (compose has no overlap)."""

    name: str
    requests: int
    failed: int
    refused: int
    statuses: dict[str, int]
    streams: int
    streams_cut: int
    gap: float
    rotation: float
    p50: dict[str, float]
    p99: dict[str, float]

    @property
    def p99_ratio(self) -> float:
        """p99 while the rotation ran, over the steady one before it."""
        return self.p99["during"] / self.p99["before"]

    def misses(self, least: int = LEAST_REQUESTS) -> list[str]:
        """Which promises this run breaks; with fewer than ``least`` requests it shows nothing."""
        holds = self.p99_ratio <= MOST_P99_RATIO  # which nan is not: there was no request to compare
        broken = {
            f"{self.failed + self.refused} requests failed": bool(self.failed + self.refused),
            f"{self.streams_cut} streams were cut": bool(self.streams_cut),
            f"only {self.requests} requests, not {least}": self.requests < least,
            f"only {self.streams} streams, not {STREAMS}": self.streams < STREAMS,
            f"p99 rose {self.p99_ratio:.1f} times, more than {MOST_P99_RATIO:g}": not holds,
        }
        return [text for text, is_broken in broken.items() if is_broken]

    def json(self) -> dict[str, object]:
        return {**asdict(self), "p99_ratio": self.p99_ratio}


def figures(name: str, samples: list[Sample], began: float, ended: float) -> Figures:
    """The figures of one run, whose rotation took from `began` to `ended`.

    A request belongs to the phase in which it started; the longest gap is between the ends of two successes.
    """
    requests = [sample for sample in samples if sample.kind != "stream"]
    streams = [sample for sample in samples if sample.kind == "stream"]
    bad = [sample for sample in requests if not sample.complete]
    refused = [sample for sample in bad if sample.key == 0 and sample.started > ended and sample.status in (401, 429)]
    good = [sample for sample in requests if sample.complete]
    ends = sorted(sample.ended for sample in good)
    phases = {
        "before": [sample for sample in good if samples[0].started + SETTLING_SECONDS < sample.started < began],
        "during": [sample for sample in good if began <= sample.started <= ended],
        "after": [sample for sample in good if sample.started > ended],
    }
    taken = {phase: [sample.ended - sample.started for sample in there] for phase, there in phases.items()}
    ranks = {
        phase: quantiles(values, n=100, method="inclusive") if values[1:] else [nan] * 99
        for phase, values in taken.items()
    }
    words = [sample.error or str(sample.status) for sample in requests]
    return Figures(
        name=name,
        requests=len(requests),
        failed=len(bad) - len(refused),
        refused=len(refused),
        statuses={word: words.count(word) for word in sorted(set(words))},
        streams=len(streams),
        streams_cut=sum(not stream.complete for stream in streams),
        gap=max((later - earlier for earlier, later in pairwise(ends)), default=float("inf")),
        rotation=ended - began,
        p50={phase: found[49] for phase, found in ranks.items()},
        p99={phase: found[98] for phase, found in ranks.items()},
    )


def table(runs: list[Figures]) -> str:
    """A table for people: milliseconds for latencies, seconds for the rest."""
    head = f"{'':10} {'requests':>8} {'failed':>6} {'refused':>7} {'streams cut':>11} {'gap s':>6} {'rotation s':>10}"
    lines = [f"{head}   p50 / p99 ms before, during, after"]
    for run in runs:
        latencies = ", ".join(f"{run.p50[phase] * 1000:.0f} / {run.p99[phase] * 1000:.0f}" for phase in run.p50)
        cut = f"{run.streams_cut} of {run.streams}"
        counts = f"{run.name:10} {run.requests:8} {run.failed:6} {run.refused:7} {cut:>11}"
        lines.append(f"{counts} {run.gap:6.2f} {run.rotation:10.1f}   {latencies}   {run.statuses}")
    return "\n".join(lines)
