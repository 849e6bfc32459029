"""Which Debian mirrors and which CA certificates the base image gets from this machine."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from setup import apt_sources
from setup.extra_certificates import extra_certificates

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    """An empty configuration folder of apt."""
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_a_deb822_file_is_understood(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert apt_sources.mirrors(apt, "bookworm") == {
        "mirror": "http://mirror.example/debian",
        "security": "http://mirror.example/debian-security",
    }


def test_a_classic_list_is_understood(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k/debian-archive-keyring.gpg] https://m.example/debian bookworm main #x\n"
        "deb https://m.example/debian-security bookworm-security main contrib\n"
    )
    assert apt_sources.mirrors(apt, "bookworm") == {
        "mirror": "https://m.example/debian",
        "security": "https://m.example/debian-security",
    }


@pytest.mark.parametrize(
    "line",
    [
        "deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/debian bookworm main",
        "deb https://vendor.example/debian bookworm stable",
        "deb https://vendor.example/debian vendor-bookworm main",
        "deb cdrom:[Debian]/ bookworm main",
        "deb file:/srv/debian bookworm main",
        "nonsense",
    ],
)
def test_what_is_not_debians_own_archive_over_http_is_skipped(apt: Path, line: str) -> None:
    (apt / "sources.list").write_text(line + "\n")
    assert apt_sources.mirrors(apt, "bookworm") == {}


def test_a_disabled_source_is_skipped(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822.replace("Types:", "Enabled: no\nTypes:"))
    assert apt_sources.mirrors(apt, "bookworm") == {}


def test_a_cloud_images_mirror_list_is_followed(apt: Path) -> None:
    listed = apt / "mirrors.list"
    listed.write_text("https://cloud.example/debian\nhttps://other.example/debian\n")
    (apt / "sources.list").write_text(f"deb mirror+file://{listed} bookworm main\n")
    assert apt_sources.mirrors(apt, "bookworm") == {"mirror": "https://cloud.example/debian"}


@pytest.mark.parametrize(("system", "lines"), [("debian", 2), ("ubuntu", 0)])
def test_only_a_debian_machine_knows_debian_mirrors(
    apt: Path, system: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    release = apt / "os-release"
    release.write_text(f'ID={system}\nVERSION_CODENAME="bookworm"\n')
    apt_sources.main(str(apt), str(release))
    assert len(capsys.readouterr().out.splitlines()) == lines


def certificate(name: str) -> str:
    """A self-signed certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start)
    signed = builder.not_valid_after(start + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode().strip()


def test_certificates_beyond_debians_own_are_found_once_each(tmp_path: Path) -> None:
    packaged, local, bundled = (certificate(name) for name in ("packaged", "local", "bundled"))
    files = {
        "usr/share/ca-certificates/mozilla/a.crt": packaged,
        "usr/local/share/ca-certificates/local.crt": local,
        "etc/ssl/certs/ca-certificates.crt": f"{packaged}\n{local}\n{bundled}",
    }
    for name, pem in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(pem + "\n")
    assert sorted(extra_certificates(tmp_path).values()) == sorted([local, bundled])


def test_a_bundle_without_debians_package_is_not_taken_whole(tmp_path: Path) -> None:
    path = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    path.parent.mkdir(parents=True)
    path.write_text(certificate("anybody"))
    assert extra_certificates(tmp_path) == {}
