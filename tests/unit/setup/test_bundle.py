"""The file of `make bundle`: what is in it comes out again, and what is damaged or another's is refused."""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rules.bundle import ROLES
from setup import bundle_file, bundle_open
from setup.bundle_file import Bundle, BundleError, Machine
from tests.unit.conftest import Program

HERE = Machine("x86_64", "amd64")
IMAGES = {role: f"bundle.invalid/litellm-claude/{role}:0123456789ab" for role in ROLES}


@pytest.fixture
def copy_root(tmp_path: Path) -> Path:
    """What of a working copy a bundle is made from."""
    root = tmp_path / "root"
    for role in ROLES:
        (root / "images" / role).mkdir(parents=True)
        (root / "images" / role / "Dockerfile").write_text(f"FROM {role}\n")
    (root / "toolchain" / "cli").mkdir(parents=True)
    (root / "toolchain" / "cli" / "go.mod").write_text("module cli\n")
    (root / "requirements.lock").write_text("pulumi==3.272.0 --hash=sha256:00\n")
    return root


def write(root: Path, file: Path, **changes: Any) -> Path:
    """A bundle of that working copy with small parts."""
    work = file.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name in ("of", "pulumi", "package-1.0-py3-none-any.whl"):
        (work / name).write_text(f"this is {name}\n" * 50)
    parts = {name: work / name for name in (bundle_file.TOOLCHAIN, bundle_file.WHEELS, bundle_file.IMAGES)}
    bundle_file.pack(parts[bundle_file.TOOLCHAIN], {name: work / name for name in ("of", "pulumi")})
    wheel = "package-1.0-py3-none-any.whl"
    bundle_file.pack(parts[bundle_file.WHEELS], {wheel: work / wheel})
    parts[bundle_file.IMAGES].write_bytes(b"layers" * 500)
    manifest = {
        "revision": "0123abc",
        "machine": HERE.machine,
        "engine": HERE.engine,
        "sources": bundle_file.sources(root),
        "images": IMAGES,
    }
    bundle_file.write(file, manifest | changes, parts)
    return file


@pytest.fixture
def file(copy_root: Path, tmp_path: Path) -> Path:
    return write(copy_root, tmp_path / "all.bundle")


def test_what_went_in_comes_out(file: Path, copy_root: Path, tmp_path: Path) -> None:
    bundle = Bundle(file)
    bundle.refuse_others(copy_root, HERE)
    bundle.check()
    bundle.unpack(bundle_file.TOOLCHAIN, tmp_path / "out" / "toolchain")
    bundle.unpack(bundle_file.WHEELS, tmp_path / "out" / "wheels")
    assert (tmp_path / "out" / "toolchain" / "pulumi").read_text().startswith("this is pulumi")
    assert (tmp_path / "out" / "toolchain" / "pulumi").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "out" / "wheels").iterdir()] == ["package-1.0-py3-none-any.whl"]
    assert bundle.part(bundle_file.IMAGES).read() == b"layers" * 500
    assert [path.name for path in tmp_path.glob("all.bundle*")] == ["all.bundle"]


def judged(file: Path, root: Path) -> str | None:
    """What is said of a bundle before anything is taken out."""
    try:
        bundle = Bundle(file)
        bundle.refuse_others(root, HERE)
        bundle.check()
    except BundleError as error:
        return str(error)
    return None


def test_no_changed_byte_of_what_it_holds_goes_unseen(file: Path, copy_root: Path) -> None:
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        places = [entry.offset_data + place for entry in tar for place in range(0, entry.size, 97)]
    for place in places:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        said = judged(file, copy_root)
        assert said, place
        assert "damaged" in said, said
        assert "\n" not in said
    file.write_bytes(whole)
    assert judged(file, copy_root) is None


def test_a_file_that_ends_early_is_refused(file: Path, copy_root: Path) -> None:
    whole = file.read_bytes()
    for length in (0, 1, 511, 512, 1500, len(whole) // 2, len(whole) - 10240 - 600):
        file.write_bytes(whole[:length])
        assert "damaged" in str(judged(file, copy_root)), length


def test_what_is_no_bundle_is_refused(file: Path, copy_root: Path) -> None:
    file.write_text("not a bundle\n" * 100)
    assert "is no bundle of `make bundle`" in str(judged(file, copy_root))
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("something else"))
    assert "is no bundle of `make bundle`" in str(judged(file, copy_root))
    file.unlink()
    assert "there is no bundle" in str(judged(file, copy_root))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"machine": "aarch64"}, "is for a machine with aarch64, and here it is x86_64"),
        ({"engine": "arm64"}, "is for an engine with arm64, and here it is amd64"),
        ({"format": 2}, "in a form that this working copy"),
    ],
)
def test_a_bundle_for_another_machine_is_refused(
    copy_root: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    assert sentence in str(judged(write(copy_root, tmp_path / "other.bundle", **changes), copy_root))


@pytest.mark.parametrize("changed", ["images/gateway/Dockerfile", "toolchain/cli/go.mod", "requirements.lock"])
def test_a_bundle_of_another_working_copy_is_refused_by_what_differs(file: Path, copy_root: Path, changed: str) -> None:
    (copy_root / changed).write_text("another\n")
    said = str(judged(file, copy_root))
    assert changed.removesuffix("/Dockerfile").removesuffix("/cli/go.mod") in said
    assert "git checkout 0123abc" in said


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", ".hidden", ""])
def test_no_name_leads_out_of_its_folder(file: Path, copy_root: Path, tmp_path: Path, name: str) -> None:
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    bundle_file.write(tmp_path / "evil.bundle", {}, {bundle_file.WHEELS: evil})
    with pytest.raises(BundleError, match="no plain file"):
        Bundle(tmp_path / "evil.bundle").unpack(bundle_file.WHEELS, tmp_path / "into" / "wheels")


class Docker:
    """Stands in for the engine: what was loaded into it."""

    def __init__(self, folder: Path, program: Program) -> None:
        self.received = folder / "received"
        self.refuses = folder / "refuses"
        self.asked = folder / "asked"
        program(
            "docker",
            'case "$1" in\n'
            "version) echo amd64 ;;\n"
            f'image) echo "$*" >>"{self.asked}"; test -e "{self.received}" ;;\n'
            f'load) test ! -e "{self.refuses}" && cat >"{self.received}" ;;\n'
            "esac",
        )


@pytest.fixture
def docker(tmp_path: Path, copy_root: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setattr(bundle_open, "ROOT", copy_root)
    monkeypatch.setattr(bundle_open, "UNPACKED", copy_root / ".toolchain" / "bundle")
    monkeypatch.setattr("platform.machine", lambda: HERE.machine)
    return Docker(tmp_path, program)


def use(file: Path) -> None:
    """As setup/bundle.sh does; between the two it learns which engine is the stack's."""
    bundle_open.take_programs(file)
    bundle_open.take_images(file)


def test_a_bundle_in_use_is_not_unpacked_again_until_the_engine_lost_its_images(
    file: Path, copy_root: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    use(file)
    assert docker.received.read_bytes() == b"layers" * 500
    unpacked = copy_root / ".toolchain" / "bundle"
    assert sorted(path.name for path in unpacked.iterdir()) == ["manifest.json", "toolchain", "wheels"]
    capsys.readouterr()
    docker.asked.unlink()
    use(file)
    assert capsys.readouterr().err == ""
    tagged = [f"image tag {name} {name}" for name in IMAGES.values()]
    assert docker.asked.read_text().splitlines() == tagged, "so that no other copy's update takes them for old ones"
    docker.received.unlink()
    use(file)
    assert docker.received.exists()
    assert sorted(path.name for path in unpacked.parent.iterdir()) == ["bundle"]


def test_when_the_engine_refuses_the_images_the_bundle_is_not_in_use(
    file: Path, copy_root: Path, docker: Docker
) -> None:
    docker.refuses.touch()
    with pytest.raises(BundleError, match="did not take the images"):
        use(file)
    assert not (copy_root / ".toolchain" / "bundle" / "manifest.json").exists()


def test_a_damaged_bundle_leaves_nothing_behind(file: Path, copy_root: Path, docker: Docker) -> None:
    content = bytearray(file.read_bytes())
    content[-10240 - 600] ^= 1  # in the last part
    file.write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        use(file)
    assert not (copy_root / ".toolchain").exists()
    assert not docker.received.exists()


def test_the_manifest_tells_what_the_file_is(file: Path) -> None:
    done = subprocess.run(["tar", "-xOf", file, "manifest.json"], capture_output=True, text=True, check=True)
    manifest = json.loads(done.stdout)
    assert manifest["images"] == IMAGES
    assert set(manifest["parts"]) == {"toolchain.tar.gz", "wheels.tar", "images.tar.gz"}
