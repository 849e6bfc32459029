"""What `make up` does on the day on which a provided certificate has expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import certificate, decrypted_setting
from ops.commands import OperationError
from ops.state import KINDS, State
from tests.unit.components.test_certificates import pair

OLD = pair("localhost", not_after=datetime.now(UTC) - timedelta(days=1))[0]
YOUNG = pair("localhost", not_before=datetime.now(UTC) + timedelta(days=1))[0]
GOOD = pair("localhost")[0]
GATEWAY = {"urn": "urn:pulumi:prod::litellm-claude::t::litellm-claude-prod-gateway", "type": KINDS["container"]}


def state(outputs: dict[str, Any] | None, *others: dict[str, Any]) -> State:
    made = [] if outputs is None else [{"type": certificate.COMPONENT, "urn": "", "outputs": outputs}]
    return State("prod", {"deployment": {"resources": [*made, *others]}})


def written(folder: Path, **settings: Any) -> Path:
    (folder / "Pulumi.yaml").write_text("config: {}\n")
    plain = {f"litellm-claude:{name}": value for name, value in settings.items()}
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": plain}))
    return folder


@pytest.mark.parametrize(
    ("known", "wanted", "outcome"),
    [
        (state({"provided": GOOD}), GOOD, "served"),
        (state({"provided": OLD}), GOOD, "served"),
        (state({"provided": OLD}), OLD, "endured"),
        (state({"provided": GOOD}, GATEWAY), OLD, "refused"),
        (state({"provided": ""}, GATEWAY), OLD, "refused"),  # it had one of its own until now
        (state({}, GATEWAY), OLD, "endured"),  # an earlier version's
        (state({}), OLD, "refused"),
        (state(None), OLD, "refused"),
        (state({"provided": GOOD}, GATEWAY), YOUNG, "refused"),
        (state(None), "no certificate at all", "served"),  # the settings' own rules refuse it
    ],
)
def test_an_expired_certificate_stops_only_a_stack_that_does_not_serve_it_yet(
    tmp_path: Path, known: State, wanted: str, outcome: str
) -> None:
    folder = written(tmp_path, tls="provided", tlsCertificate=wanted)
    if outcome == "refused":
        with pytest.raises(OperationError, match=r"pulumi config set tlsCertificate --stack prod < FILE"):
            certificate.expired(known, "prod", folder)
        return
    said = certificate.expired(known, "prod", folder)
    assert said is None if outcome == "served" else "tlsCertificate: expired on" in str(said)


def test_a_certificate_that_is_not_in_force_is_not_judged(tmp_path: Path) -> None:
    assert certificate.expired(state(None), "prod", written(tmp_path, tls="managed", tlsCertificate=OLD)) is None


def test_a_certificate_that_was_set_as_a_secret_is_judged_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decrypted_setting, "pulumi", lambda *_, stack: f"\ufeff{OLD}\n")
    folder = written(tmp_path, tls="provided", tlsCertificate={"secure": "x"})
    assert "expired on" in str(certificate.expired(state({"provided": OLD}), "prod", folder))
