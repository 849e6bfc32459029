"""Results that nobody reads to the end."""

import json
import os
import subprocess
import sys

import pytest

from rules import messages
from tests.unit.scripts import ROOT

OUTPUTS = json.dumps({"url": "https://localhost", "master_key_source": "generated"})


@pytest.mark.parametrize(("outputs", "status"), [(OUTPUTS, 0), ("", 1)])
def test_a_result_that_nobody_reads_is_no_failure_and_one_that_there_is_not_no_traceback(
    outputs: str, status: int
) -> None:
    """`make up | head` is seen to as every other one; without outputs pulumi itself has said why."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "ops.summary", "dev"],
        input=outputs,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=ROOT,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (status, "")


def test_python_has_nothing_to_say_at_its_end_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        messages.tell("a result")
        gone.write("what Python flushes at its end")
