"""Writes what an ``up`` needs into one file: ``python -m setup.bundle_make FILE UPDATES``, in a stack's environment.

- images, with what they are built from and Debian's security updates of the day UPDATES
- the Pulumi CLI and its plugins, as they are here
- Python packages, for each Python that the project runs with

Settings, keys and state are not in it: it says what runs, not for whom.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rules.bundle import NAMED, REPOSITORY, ROLES, image_name, may_go
from rules.interrupts import INTERRUPTED, end_in_order, heed
from rules.layout import IMAGES
from rules.messages import sayer
from rules.version import VERSION
from setup import bundle_file
from setup.bundle_file import BundleError, Machine

say = sayer("bundle")

ROOT = IMAGES.parent
BASE = "debian:trixie-slim"
"""Looks after volumes (ops/volumes.py); the images have its layers anyway."""
PLUGINS = ("docker", "random", "tls")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)(-\d[^-]*)?(-[^-]+){3}\.whl")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)==", re.MULTILINE)


def run(*command: str, **options: str) -> str:
    """Returns what a command printed.

    Raises:
        BundleError: with the end of what it said, when it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **options})
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise BundleError(f"{' '.join(command[:3])} failed: " + "\n".join(words))
    return done.stdout


def images(updates: str, target: Path) -> dict[str, str]:
    """Builds the images, and saves them with the base image. Returns their names by role."""
    names = {}
    for role in ROLES:
        say(f"building the {role} image")
        argument = ("--build-arg", f"SECURITY_UPDATES={updates}") if updates else ()
        printed = run("docker", "build", "--quiet", *argument, str(IMAGES / role))
        identifier = next(line for line in reversed(printed.splitlines()) if line.startswith("sha256:"))
        names[role] = image_name(role, identifier)
        run("docker", "tag", identifier, names[role])
    say("packing the images (a minute)")
    with (
        subprocess.Popen(["docker", "save", BASE, *names.values()], stdout=subprocess.PIPE) as saving,
        gzip.open(target, "wb", compresslevel=4) as packed,
    ):
        assert saving.stdout  # noqa: S101 - a pipe was asked for
        shutil.copyfileobj(saving.stdout, packed, 1 << 20)
    if saving.returncode:
        raise BundleError("docker save failed; its own message is above")
    forget(names.values())
    return names


def forget(kept: Iterable[str]) -> None:
    """Drops the names of earlier bundles' images; one that a container runs from stays, and so does one of today."""
    listed = run(
        "docker", "image", "ls", "--filter", f"reference={REPOSITORY}/*", "--format", "{{.Repository}}:{{.Tag}}"
    )
    for name in set(listed.split()) - set(kept):
        asked = ["docker", "image", "inspect", "--format", NAMED, name]
        if may_go(subprocess.run(asked, capture_output=True, text=True, check=False).stdout):
            subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


def toolchain(target: Path, stamp: Path) -> None:
    """Packs the CLI, its Python host and the plugins of this machine, with what setup/pulumi.sh knows them by."""
    stamp.write_text(bundle_file.toolchain(ROOT))
    home = Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    files = {"of": stamp}
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        found = shutil.which(name)
        if found is None:
            raise BundleError(f"{name} is not on PATH. Fix: make setup-pulumi")
        files[name] = Path(found).resolve()
    for plugin in PLUGINS:
        version = re.search(rf"^pulumi-{plugin}==(.+)$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
        if version is None:
            raise BundleError(f"requirements.in does not say which pulumi-{plugin}")
        name = f"pulumi-resource-{plugin}"
        files[name] = home / "plugins" / f"resource-{plugin}-v{version[1]}" / name
        if not files[name].exists():
            raise BundleError(
                f"the plugin {plugin} is not in {home}. Fix: rm .toolchain/pulumi.stamp; make setup-pulumi"
            )
    bundle_file.pack(target, files)


def wheels(folder: Path) -> None:
    """Collects what the lock asks for: wheels for any Python once, compiled ones for each Python."""
    lock = ROOT / "requirements.lock"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--require-hashes", "--requirement", str(lock), "--wheel-dir", str(folder))
    text = lock.read_text()
    starts = [match.start() for match in PINNED.finditer(text)]
    anywhere = {distribution(path) for path in folder.glob("*-none-any.whl")}
    blocks = (text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    compiled = [block for block in blocks if canonical(block.partition("==")[0]) not in anywhere]
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as few:
        few.write("".join(compiled))
        few.flush()
        for version in PYTHONS:
            chosen = ("--no-deps", "--only-binary", ":all:", "--python-version", version)
            run(*pip, "download", "--require-hashes", *chosen, "--requirement", few.name, "--dest", str(folder))
    hashed: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.whl")):
        match = WHEEL.fullmatch(path.name)
        if match is None:
            raise BundleError(f"pip made {path.name}, which is no wheel's name")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.setdefault(f"{canonical(match['name'])}=={match['version']}", []).append(f"--hash=sha256:{digest}")
    lines = (f"{pinned} {' '.join(hashes)}\n" for pinned, hashes in hashed.items())
    (folder / "requirements.txt").write_text("".join(lines))
    shutil.copy(lock, folder / "of.lock")


def canonical(name: str) -> str:
    """Returns a package's name as all its spellings have it in common."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(wheel: Path) -> str:
    """Returns which package a wheel is of."""
    return canonical(wheel.name.partition("-")[0])


def make(file: Path, updates: str) -> None:
    """Writes the bundle."""
    bundle_file.refuse_unwritable(file)
    (ROOT / ".toolchain").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=ROOT / ".toolchain") as work:
        folder = Path(work)
        parts = {name: folder / name for name in (bundle_file.TOOLCHAIN, bundle_file.WHEELS, bundle_file.IMAGES)}
        here = Machine.with_engine(run("docker", "version", "--format", "{{.Server.Arch}}").strip())
        names = images(updates, parts[bundle_file.IMAGES])
        say("packing Pulumi and its plugins")
        toolchain(parts[bundle_file.TOOLCHAIN], folder / "of")
        say("fetching Python packages, for Python 3.11 to 3.14")
        (folder / "wheels").mkdir()
        wheels(folder / "wheels")
        bundle_file.pack(parts[bundle_file.WHEELS], {path.name: path for path in (folder / "wheels").iterdir()})
        git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        manifest = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "updates": updates,
            "revision": git.stdout.strip(),
            "machine": here.machine,
            "engine": here.engine,
            "sources": bundle_file.sources(ROOT),
            "images": names,
        }
        bundle_file.write(file, manifest, parts)


def main() -> None:
    """Writes the bundle and says how to use it."""
    here = Machine.with_engine("")
    file = Path(sys.argv[1] or f"litellm-claude-{VERSION}-{here.machine}.bundle")
    heed()  # what is half made goes
    end_in_order()
    try:
        make(file, sys.argv[2])
        checksum = bundle_file.sha256_of(file)
    except (BundleError, OSError) as fault:
        sys.exit(f"error: {fault}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.stdout.write(
        f"\n  file    {file} ({file.stat().st_size // 1_000_000} MB)\n  sha256  {checksum}\n"
        f"  use     in a clone of this version, on a machine that reaches nothing: make up BUNDLE={file.name}\n"
    )


if __name__ == "__main__":
    main()
