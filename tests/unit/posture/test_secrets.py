"""Secrets at rest, wherever a state may be and however it is packed."""

import gzip
from pathlib import Path

import pytest

from tests.unit.posture.conftest import KEY, Make
from tests.unit.posture.test_outcomes import outcome


@pytest.mark.parametrize("folder", ["a#b", "50% off", "a b", "what?", "ü"])
@pytest.mark.parametrize("options", ["", "?no_tmp_dir=true"])
def test_a_state_is_looked_into_whatever_its_folder_is_called(
    make: Make, tmp_path: Path, folder: str, options: str
) -> None:
    state = tmp_path / folder / ".pulumi" / "stacks" / "test.json"
    state.parent.mkdir(parents=True)
    state.write_text(KEY)
    written = f"{tmp_path}/{folder}".replace("%", "%25").replace("#", "%23").replace("?", "%3F")  # as make does
    context = make()
    context.environment = {"PULUMI_BACKEND_URL": f"file://{written}{options}"}
    assert outcome(context, "secrets.state") == ("fail", f"{state} holds a secret in the clear")


@pytest.mark.parametrize(("said", "expected"), [(KEY, "fail"), ("ciphertext", "pass")])
def test_a_packed_state_is_looked_into(make: Make, tmp_path: Path, said: str, expected: str) -> None:
    state = tmp_path / ".pulumi" / "stacks" / "test.json.gz"
    state.parent.mkdir(parents=True)
    state.write_bytes(gzip.compress(said.encode()))
    context = make()
    context.environment = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    assert outcome(context, "secrets.state")[0] == expected


def test_a_copy_that_is_pruned_meanwhile_is_no_leak(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / ".pulumi" / "history" / "test" / "1.json"
    copy.parent.mkdir(parents=True)
    copy.write_text("ciphertext")

    def gone(path: Path) -> bytes:
        raise FileNotFoundError(path)

    context = make()
    context.environment = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    monkeypatch.setattr(Path, "read_bytes", gone)
    assert outcome(context, "secrets.state")[0] == "pass"


@pytest.mark.parametrize("name", ["litellm-claude:anthropicApiKey", "anthropicApiKey"])
def test_a_secret_in_the_clear_is_found_by_either_of_its_names(make: Make, tmp_path: Path, name: str) -> None:
    context = make()
    context.folder = tmp_path
    (tmp_path / "Pulumi.test.yaml").write_text(f"config:\n  {name}: of-nobody-else\n")
    assert outcome(context, "secrets.stack-file") == ("fail", "anthropicApiKey was set without --secret")
