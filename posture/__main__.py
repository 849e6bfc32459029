"""``python -m posture --stack NAME``: is the running stack as secure as its declaration says?"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from posture import render
from posture.declaration import DeclarationError
from posture.documentation import page
from posture.engine import EngineError
from posture.model import REGISTRY
from posture.run import verify

ROOT = Path(__file__).parent.parent
EPILOG = "Exit status: 0 when nothing of severity high fails, 1 when something does, 2 when nothing could be checked."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m posture", description=__doc__, epilog=EPILOG)
    parser.add_argument("--stack", help="the stack to check")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="an id or a group (key, cis, ...); repeatable"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="ID=REASON", help="leave a check out; the reason is reported"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--brief", action="store_true", help="print what failed and one line")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML to FILE as well")
    parser.add_argument("--document", action="store_true", help="print the page that lists every check")
    return parser


def _written(path: Path, text: str) -> bool:
    """Writes a file, or says why it cannot be."""
    try:
        path.write_text(text, encoding="utf-8")  # as its first line says
    except OSError as error:
        sys.stderr.write(f"error: {path}: {error.strerror}. Name another file: --junit FILE\n")
        return False
    return True


def main(argv: list[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.document:
        sys.stdout.write(page())
        return 0
    if not arguments.stack:
        parser.error("--stack is missing. Example: python -m posture --stack dev")
    skip = dict(entry.partition("=")[::2] for entry in arguments.skip)
    known = {*REGISTRY, *(check.group for check in REGISTRY.values())}
    for name in [*arguments.only, *skip]:
        if name not in known:
            parser.error(f"there is no check '{name}'; docs/posture.md lists them")
    for name, reason in skip.items():
        if not reason.strip() or name not in REGISTRY:
            parser.error(f"--skip {name} needs one check and a reason: --skip {name}='why it may be left out'")
    try:
        report = verify(arguments.stack, ROOT, only=arguments.only, skip=skip)
    except (DeclarationError, EngineError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if arguments.json:
        sys.stdout.write(f"{render.as_json(report)}\n")
    else:
        render.table(report, Console(), brief=arguments.brief)
    if arguments.junit and not _written(arguments.junit, render.junit(report)):
        return 2
    return 0 if report.secure else 1


if __name__ == "__main__":
    sys.exit(main())
