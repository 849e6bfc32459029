#!/usr/bin/env python3
"""Which Debian mirror this machine's own apt uses: the base image must come from a place that the machine reaches.

Prints `mirror URI` and `security URI`, a line each, and no line for what is not configured. Only entries of Debian's
own archive count: the machine's release, the component main, and either no Signed-By or Debian's own keyring. Apt's
files are read here, because ``apt-get indextargets`` lists nothing before the first ``apt-get update``.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+\S+)*)\s*$"
)


@dataclass(frozen=True)
class Source:
    """One archive: where it is, and what of it is used."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def one_line_style(text: str) -> Iterator[Source]:
    """Sources of a classic `.list` file."""
    for line in text.splitlines():
        if match := ONE_LINE.match(line.split("#")[0].strip()):
            options = dict(pair.split("=", 1) for pair in (match["options"] or "").split() if "=" in pair)
            components = tuple(match["components"].split())
            yield Source(match["uri"], (match["suite"],), components, options.get("signed-by", ""))


def deb822_style(text: str) -> Iterator[Source]:
    """Sources of a `.sources` file: paragraphs of `Field: value`, with indented continuation lines."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", lines):
        folded = re.sub(r"\n[ \t]+", " ", paragraph)
        pairs = (line.split(":", 1) for line in folded.splitlines() if ":" in line)
        fields = {name.strip().lower(): value.strip() for name, value in pairs}
        if fields.get("enabled", "yes").lower() in {"no", "false", "0"} or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def read_all(apt: Path) -> Iterator[Source]:
    """Every source under apt's configuration folder, in apt's order."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.is_file():
            text = path.read_text(errors="replace")
            if path.suffix == ".list":
                yield from one_line_style(text)
            elif path.suffix == ".sources":
                yield from deb822_style(text)


def resolve(uri: str) -> str | None:
    """The URI as the image can have it: http(s) only; `mirror+file:` lists, which cloud images use, by their first."""
    if uri.startswith("mirror+file:"):
        path = Path(re.sub(r"^mirror\+file:/*", "/", uri))
        uri = next(iter(path.read_text().split()), "") if path.is_file() else ""
    return uri.rstrip("/") if re.match(r"https?://", uri) else None


def is_debian_archive(source: Source) -> bool:
    """Whether the source may be Debian's own archive; third parties bring a keyring of their own."""
    return "main" in source.components and (not source.signed_by or "debian-archive" in source.signed_by)


def mirrors(apt: Path, release: str) -> dict[str, str]:
    """The first usable mirror, and the first for security updates, for a machine of that release."""
    found: dict[str, str] = {}
    for source in filter(is_debian_archive, read_all(apt)):
        uri = resolve(source.uri)
        if uri and {release, f"{release}-updates"} & set(source.suites):
            found.setdefault("mirror", uri)
        if uri and {f"{release}-security", f"{release}/updates"} & set(source.suites):
            found.setdefault("security", uri)
    return found


def main(apt: str = "/etc/apt", os_release: str = "/etc/os-release") -> None:
    """Prints the mirrors; nothing on anything but Debian, whose mirrors alone hold Debian."""
    pairs = (line.split("=", 1) for line in Path(os_release).read_text().splitlines() if "=" in line)
    system = {name: value.strip('"') for name, value in pairs}
    if system.get("ID") == "debian":
        for kind, uri in mirrors(Path(apt), system.get("VERSION_CODENAME", "")).items():
            sys.stdout.write(f"{kind} {uri}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
