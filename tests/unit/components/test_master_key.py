"""Where the master key comes from, and what stands beside it while a rotation lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.components.conftest import Deploy

STRONG = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OTHER = "sk-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
GENERATED = "sk-" + "0123456789abcdef" * 4
PASSWORD = "random:index/randomPassword:RandomPassword"


@pytest.mark.parametrize(
    ("stack", "configured", "rotation", "source", "key"),
    [
        ("dev", None, "", "development default", "sk-development-only"),
        ("dev", None, "2026-11-24", "generated", GENERATED),
        ("dev", "sk-mine", "", "configured", "sk-mine"),
        ("dev", "sk-mine", "2026-11-24", "configured", "sk-mine"),
        ("prod", None, "", "generated", GENERATED),
        ("prod", None, "2026-11-24", "generated", GENERATED),
        ("prod", STRONG, "", "configured", STRONG),
        ("prod", STRONG, "2026-11-24", "configured", STRONG),
    ],
)
@pytest.mark.parametrize("shell", [None, "sk-of-the-operators-shell"])
def test_precedence(
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    stack: str,
    configured: str | None,
    rotation: str,
    source: str,
    key: str,
    shell: str | None,
) -> None:
    if shell:
        monkeypatch.setenv("LITELLM_MASTER_KEY", shell)
    graph = deploy(stack, secrets={"masterKey": configured} if configured else {}, keyRotation=rotation)
    assert graph.outputs["master_key_source"]["value"] == source
    assert graph.outputs["master_key"] == {"value": key, "secret": True}
    assert graph.env("litellm")["LITELLM_MASTER_KEY"] == key


def test_a_rotation_keeps_the_previous_generation_as_it_is(deploy: Deploy) -> None:
    before = {r.name for r in deploy("prod", keyRotation="2026-11-01").of(PASSWORD)}
    graph = deploy(
        "prod",
        keyRotation="2026-11-24",
        previousKeyRotation="2026-11-01",
        previousKeyExpires="2026-11-25T12:00:00Z",
    )
    after = {r.name for r in graph.of(PASSWORD)}
    assert before < after
    env = graph.env("litellm")
    assert env["LITELLM_KEY_GENERATION"] == "2026-11-24"
    assert env["LITELLM_PREVIOUS_KEY_GENERATION"] == "2026-11-01"
    assert env["LITELLM_PREVIOUS_KEY_EXPIRES"] == "2026-11-25T12:00:00+00:00"
    assert env["LITELLM_PREVIOUS_MASTER_KEY"] == GENERATED
    assert graph.outputs["previous_key_generation"]["value"] == "2026-11-01"


def test_configured_keys_rotate_too(deploy: Deploy) -> None:
    graph = deploy(
        "prod",
        secrets={"masterKey": STRONG, "previousMasterKey": OTHER},
        previousKeyExpires="2026-11-25T12:00:00Z",
    )
    env = graph.env("litellm")
    assert (env["LITELLM_MASTER_KEY"], env["LITELLM_PREVIOUS_MASTER_KEY"]) == (STRONG, OTHER)
    assert graph.of(PASSWORD) == []


def test_a_stack_can_move_from_a_generated_to_a_configured_key(deploy: Deploy) -> None:
    graph = deploy(
        "prod",
        secrets={"masterKey": STRONG},
        previousKeyRotation="2026-11-01",
        previousKeyExpires="2026-11-25T12:00:00Z",
    )
    env = graph.env("litellm")
    assert (env["LITELLM_MASTER_KEY"], env["LITELLM_PREVIOUS_MASTER_KEY"]) == (STRONG, GENERATED)


def test_a_key_may_be_used_for_longer_than_any_calendar_has_days(deploy: Deploy) -> None:
    assert not any("overdue" in warning for warning in deploy("prod", keyMaxAgeDays=10**10).warnings)


@pytest.mark.parametrize(("age", "overdue"), [(0, False), (90, False), (91, True), (400, True)])
def test_an_overdue_key_is_warned_about(deploy: Deploy, age: int, overdue: bool) -> None:
    created = (datetime.now(UTC).date() - timedelta(days=age)).isoformat()
    graph = deploy("prod", answers={PASSWORD: {"keepers": {"created": created}}})
    assert graph.outputs["key_created"]["value"] == created
    assert any(f"{age - 90} days overdue" in w and "make rotate STACK=prod" in w for w in graph.warnings) is overdue


def test_a_configured_key_is_as_old_as_its_rotation_says(deploy: Deploy) -> None:
    graph = deploy("prod", secrets={"masterKey": STRONG}, keyRotation="2020-01-01.2")
    assert graph.outputs["key_created"]["value"] == "2020-01-01"
    assert any("overdue" in warning for warning in graph.warnings)
