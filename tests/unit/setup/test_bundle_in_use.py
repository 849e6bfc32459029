"""What set-up takes out of a bundle that was unpacked, in place of asking the network."""

from setup import bundle_file
from tests.unit.scripts import Copy


def test_pulumi_comes_out_of_the_bundle_and_no_site_is_asked(copy: Copy) -> None:
    sources = bundle_file.toolchain(copy.root)
    unpacked = copy.root / ".toolchain" / "bundle" / "toolchain"
    unpacked.mkdir(parents=True)
    (unpacked / "of").write_text(sources)
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        (unpacked / name).write_text("#!/bin/bash\nexit 0\n")
    for plugin in ("docker", "random", "tls"):
        version = next(
            line.partition("==")[2]
            for line in (copy.root / "requirements.in").read_text().splitlines()
            if line.startswith(f"pulumi-{plugin}==")
        )
        (unpacked / f"pulumi-resource-{plugin}").write_text(f"#!/bin/bash\necho v{version}\n")
    for path in unpacked.iterdir():
        path.chmod(0o755)
    copy.fake("curl", "exit 7")
    result = copy.run("pulumi.sh")
    assert result.returncode == 0, result.stderr
    assert "out of the bundle" in result.stderr
    assert copy.calls() == []
    assert (copy.root / ".toolchain" / "bin" / "pulumi").exists()
    (copy.root / "toolchain" / "cli" / "go.mod").write_text("another")
    (copy.root / "requirements.in").write_text("")
    assert "out of the bundle" not in copy.run("pulumi.sh").stderr


def test_packages_come_out_of_the_bundle_when_it_has_those_of_the_lock(copy: Copy) -> None:
    wheels = copy.root / ".toolchain" / "bundle" / "wheels"
    wheels.mkdir(parents=True)
    python = copy.root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/bash\necho "$*" >>"{copy.root}/asked"\n')
    python.chmod(0o755)
    for lock, expected in (("package==1.0\n", "--no-index"), ("package==2.0\n", "requirements.lock")):
        (copy.root / "requirements.lock").write_text(lock)
        (wheels / "of.lock").write_text("package==1.0\n")
        result = copy.run("python.sh", "requirements.lock")
        assert result.returncode == 0, result.stderr
        asked = [line for line in (copy.root / "asked").read_text().splitlines() if "pip install" in line][-1]
        assert "--require-hashes" in asked
        assert expected in asked
        assert ("--no-index" in asked) is (expected == "--no-index")


def test_an_engine_without_the_bundles_images_pulls_nothing(copy: Copy) -> None:
    manifest = copy.root / ".toolchain" / "bundle" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    copy.fake("docker", "exit 1")
    result = copy.run("base_image.sh", "prod")
    assert result.returncode == 1
    assert "Fix: make up BUNDLE=FILE STACK=prod" in result.stderr
    assert not [call for call in copy.calls() if " pull " in call]
