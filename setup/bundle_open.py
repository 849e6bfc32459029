"""Takes into use what ``make bundle`` has written: ``python3 -m setup.bundle_open programs|images FILE``.

Python's library is enough. The toolchain and the Python packages go to ``.toolchain/bundle``, where setup/pulumi.sh and
setup/python.sh find them. With these a stack's file can be read, which names the engine: the images go into that, and
then the bundle is in use. One that is already costs next to nothing.
"""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

from rules.bundle import MANIFEST, UNPACKED
from rules.layout import IMAGES
from rules.messages import sayer
from setup import bundle_file
from setup.bundle_file import Bundle, BundleError, Machine

say = sayer("setup")

ROOT = IMAGES.parent


def docker(*arguments: str) -> str | None:
    """Returns what docker's client printed, or None when it failed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def loaded(bundle: Bundle) -> bool:
    """Whether the engine has the bundle's images. Their names are given anew, so that they count as in use now."""
    return all(docker("image", "tag", name, name) is not None for name in bundle.manifest["images"].values())


def load(bundle: Bundle) -> None:
    """Hands the images to the engine.

    Raises:
        BundleError: when it does not have them then.
    """
    with bundle.part(bundle_file.IMAGES) as content:
        process = subprocess.Popen(["docker", "load", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        with contextlib.suppress(BrokenPipeError), process:  # it says why it takes no more
            assert process.stdin  # noqa: S101 - a pipe was asked for
            shutil.copyfileobj(content, process.stdin, 1 << 20)
    if process.returncode or not loaded(bundle):
        raise BundleError(f"the engine did not take the images of {bundle.file}; docker's own message is above")


def in_use(bundle: Bundle) -> bool:
    """Whether this is the bundle that was taken into use last."""
    manifest = UNPACKED / MANIFEST
    return manifest.exists() and manifest.read_bytes() == bundle.text


def take_programs(file: Path) -> None:
    """Checks the bundle, and unpacks what needs no engine.

    Raises:
        BundleError: with what is wrong with it, before anything was changed.
    """
    bundle = Bundle(file)
    bundle.refuse_others(ROOT, Machine.with_engine(None))
    if in_use(bundle):
        return
    say(f"checking {file}")
    bundle.check()
    new = UNPACKED.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    bundle.unpack(bundle_file.TOOLCHAIN, new / "toolchain")
    bundle.unpack(bundle_file.WHEELS, new / "wheels")
    shutil.rmtree(UNPACKED, ignore_errors=True)
    new.rename(UNPACKED)


def take_images(file: Path) -> None:
    """Sees to it that the engine has the bundle's images, which ends its being taken into use.

    Raises:
        BundleError: when they are for another engine, or it does not take them.
    """
    bundle = Bundle(file)
    engine = docker("version", "--format", "{{.Server.Arch}}") or ""
    bundle.refuse_others(ROOT, Machine.with_engine(engine.strip()))
    if in_use(bundle):
        if loaded(bundle):
            return
        say(f"checking {file}")
        bundle.check()
    say("loading the images into the engine")
    load(bundle)
    (UNPACKED / MANIFEST).write_bytes(bundle.text)


if __name__ == "__main__":
    try:
        {"programs": take_programs, "images": take_images}[sys.argv[1]](Path(sys.argv[2]))
    except (BundleError, OSError) as fault:
        sys.exit(f"error: {fault}")
