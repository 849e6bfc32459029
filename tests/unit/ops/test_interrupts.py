"""Whose Ctrl-C it is: the interpreter's, or that of a program which has something to put back."""

import signal
import sys

import pytest

from rules.interrupts import end_in_order, end_quietly, heed


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


def test_a_program_that_ends_in_order_does_so_unless_it_was_started_with_nohup() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        end_in_order()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL, "or this process would end here"
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGTERM)
        assert ended.value.code == 128 + signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
