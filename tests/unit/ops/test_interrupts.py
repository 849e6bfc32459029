"""Whose Ctrl-C it is: the interpreter's, or that of a program which has something to put back."""

import signal
import sys

import pytest

from rules.interrupts import end_quietly, heed


def test_who_only_imports_the_packages_keeps_a_way_of_its_own() -> None:
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_DFL


def test_a_program_heeds_interruptions_again_and_a_test_always_does(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        end_quietly()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        monkeypatch.setattr(sys, "argv", ["-m"])
        end_quietly()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
        for _ in range(2):
            heed()
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
