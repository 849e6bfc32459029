"""What `make verify` prints: readable at 80 columns, and coloured on a terminal alone."""

import io

import pytest
from rich.console import Console

from posture import render
from posture.model import Severity, Status
from tests.unit.posture.test_reports import finding, report

EVIDENCE = "42 of /run/x [1] are open, which is more than the 3 that were declared"
REPORT = report(
    finding(Status.PASS, evidence=EVIDENCE),
    finding(Status.FAIL, Severity.LOW, EVIDENCE),
    finding(Status.FAIL, Severity.HIGH, "7"),
)
PLAIN = """\
FAIL key.x A title [with] brackets (high)
     7
     fix: make it STACK=test
FAIL key.x A title [with] brackets (low)
     42 of /run/x [1] are open, which is more than the 3 that were declared
     fix: make it STACK=test
              Master key
 FAIL  key.x  A title [with] brackets  42 of /run/x [1] are open, which is more
                                       than the 3 that were declared
 FAIL  key.x  A title [with] brackets  7
 pass  key.x  A title [with] brackets  42 of /run/x [1] are open, which is more
                                       than the 3 that were declared
test: NOT SECURE, score 33 of 100 (1 pass, 2 fail) in 1.5 s
"""


def printed(width: int, *, terminal: bool = False, brief: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
    render.table(REPORT, console, brief=brief)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_it_reads_well_at_80_columns() -> None:
    assert printed(80) == PLAIN


def test_words_and_ids_are_whole_however_narrow_it_is() -> None:
    assert " FAIL  key.x  A     42\n              tit…  of\n" in printed(24)


def test_in_brief_failures_and_the_score_are_all() -> None:
    failures, _, rest = PLAIN.partition("              Master key")
    assert printed(80, brief=True) == failures + rest.splitlines()[-1] + "\n"


@pytest.mark.parametrize(
    "line",
    [
        "\x1b[1;31mFAIL\x1b[0m \x1b[1mkey.x\x1b[0m A title [with] brackets \x1b[2m(high)\x1b[0m\n     7\n",
        "\x1b[2m     fix: make it STACK=test\x1b[0m\n",
        " \x1b[32mpass\x1b[0m  key.x  A title [with] brackets  \x1b[2m42 of",
        "\ntest: NOT SECURE, score 33 of 100 (1 pass, 2 fail) in 1.5 s\n",
    ],
)
def test_on_a_terminal_statuses_have_colours_and_numbers_none(line: str) -> None:
    assert line in printed(80, terminal=True)
