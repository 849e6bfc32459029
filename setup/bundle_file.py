"""The file that ``make bundle`` writes: a tar with a manifest, the manifest's own checksum, and the parts it names.

All of it is checked before anything is taken out. A checksum shows damage, not who made the file.
"""

import errno
import hashlib
import io
import json
import os
import platform
import re
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rules.bundle import MANIFEST, ROLES, context_digest
from rules.version import VERSION

FORMAT = 1
CHECKSUM = "manifest.sha256"
IMAGES, TOOLCHAIN, WHEELS = "images.tar.gz", "toolchain.tar.gz", "wheels.tar"
FLAT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
"""What a file in the toolchain or among the wheels may be called: no name leads out of its folder."""


class BundleError(Exception):
    """What keeps a bundle from being made or used; its text is for the operator."""


@dataclass(frozen=True)
class Machine:
    """What programs and images must fit, as ``uname`` and the engine say it; None before it is known which engine."""

    machine: str
    engine: str | None

    @classmethod
    def with_engine(cls, engine: str | None) -> "Machine":
        """This machine, with an engine of that architecture."""
        return cls(platform.machine(), engine)


def sources(root: Path) -> dict[str, str]:
    """Returns digests of what a bundle is made from; one of another working copy does not fit this one."""
    contexts = {f"images/{role}": context_digest(root / "images" / role) for role in ROLES}
    lock = hashlib.sha256((root / "requirements.lock").read_bytes()).hexdigest()
    return {**contexts, "requirements.lock": lock, "toolchain": toolchain(root)}


def toolchain(root: Path) -> str:
    """Returns what setup/pulumi.sh knows a state of toolchain/ by."""
    names = sorted(path.relative_to(root).as_posix() for path in (root / "toolchain").rglob("*") if path.is_file())
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in names)).hexdigest()


def refuse_unwritable(file: Path) -> None:
    """Tries to write beside the file, which is written last of all.

    Raises:
        BundleError: when it cannot be written there.
    """
    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as fault:
        raise BundleError(f"the bundle cannot be written to {file}: {fault.strerror}. Choose: FILE=NAME") from None


def write(file: Path, manifest: Mapping[str, Any], parts: Mapping[str, Path]) -> None:
    """Writes the bundle: under its name it is whole, or not there."""
    described = {name: sha256_of(path) for name, path in parts.items()}
    text = json.dumps({"format": FORMAT, "version": VERSION, **manifest, "parts": described}, indent=1).encode()
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in ((MANIFEST, text), (CHECKSUM, hashlib.sha256(text).hexdigest().encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            for name, path in parts.items():
                entry = tarfile.TarInfo(name)
                entry.size = path.stat().st_size
                with path.open("rb") as part:
                    tar.addfile(entry, part)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


class Bundle:
    """A bundle that is read.

    Raises:
        BundleError: when the file is no bundle, or its manifest is damaged.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with tarfile.open(file, "r:") as tar:
                self.text = _member(tar, MANIFEST).read()
                checksum = _member(tar, CHECKSUM).read().decode()
            if hashlib.sha256(self.text).hexdigest() != checksum:
                raise BundleError(f"{file} is damaged: its manifest is not what was written. Copy it anew.")
            self.manifest: dict[str, Any] = json.loads(self.text)
        except FileNotFoundError:
            raise BundleError(
                f"there is no bundle {file}. `make bundle` writes one, where there is a network"
            ) from None
        except (tarfile.TarError, OSError, KeyError, ValueError) as fault:
            raise BundleError(f"{file} is no bundle of `make bundle`, or is damaged: {fault}") from None

    def refuse_others(self, root: Path, here: Machine) -> None:
        """Holds the bundle against this working copy and this machine.

        Raises:
            BundleError: when it was made for another one.
        """
        made = f"{self.file} was made of version {self.manifest.get('version')}"
        if self.manifest.get("format") != FORMAT:
            raise BundleError(f"{made}, in a form that this working copy (version {VERSION}) does not read")
        for what, found, wanted in (
            ("a machine", here.machine, self.manifest["machine"]),
            ("an engine", here.engine, self.manifest["engine"]),
        ):
            if found not in (wanted, None):
                raise BundleError(
                    f"{self.file} is for {what} with {wanted}, and here it is {found}: make one on such a machine"
                )
        own = sources(root)
        if differ := sorted(name for name in own if own[name] != self.manifest["sources"].get(name)):
            revision = self.manifest.get("revision") or "the version that it was made of"
            raise BundleError(
                f"{made} of another working copy than this one (version {VERSION}): {', '.join(differ)} differ. "
                f"Make one of this working copy where there is a network (make bundle), or: git checkout {revision}"
            )

    def check(self) -> None:
        """Reads all parts.

        Raises:
            BundleError: when one is not what was written.
        """
        for name, written in self.manifest["parts"].items():
            try:
                with self.part(name) as content:
                    found = _sha256_of(content)
            except (tarfile.TarError, OSError, KeyError) as fault:
                raise BundleError(f"{self.file} is damaged: {name} cannot be read ({fault}). Copy it anew.") from None
            if found != written:
                raise BundleError(f"{self.file} is damaged: {name} is not what was written. Copy it anew.")

    def part(self, name: str) -> IO[bytes]:
        """Opens a part; the tar is closed with the process."""
        return _member(tarfile.open(self.file, "r:"), name)

    def unpack(self, name: str, folder: Path) -> None:
        """Writes the files in a part, which is a tar itself, into a new folder.

        Raises:
            BundleError: when one has a name that leads elsewhere.
        """
        folder.mkdir(parents=True)
        with self.part(name) as content, tarfile.open(fileobj=content, mode="r|*") as tar:
            for entry in tar:
                if not (entry.isfile() and FLAT.fullmatch(entry.name)):
                    raise BundleError(f"{self.file}: {name} holds {entry.name!r}, which is no plain file")
                (folder / entry.name).write_bytes(_read(tar, entry))
                (folder / entry.name).chmod(0o755 if name == TOOLCHAIN else 0o644)


def pack(target: Path, files: Mapping[str, Path]) -> None:
    """Writes files into a tar that :meth:`Bundle.unpack` reads: nothing of their owners or folders."""
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as tar:
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(entry, content)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        raise KeyError(f"{name} is no file")
    return content


def _read(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(entry)
    return content.read() if content else b""


def _sha256_of(content: IO[bytes]) -> str:
    return hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type] # a file, which typeshed asks for narrowly


def sha256_of(file: Path) -> str:
    """Returns the checksum of a whole file."""
    with file.open("rb") as content:
        return _sha256_of(content)
