"""What checks of keys, callers, networks and files make of each answer there can be."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from posture.edge import NOT_THE_API, Answer
from posture.model import REGISTRY
from rules.keys import DEVELOPMENT_KEY
from tests.unit.posture.conftest import INSIDE, KEY, Make
from tests.unit.posture.test_checks import changed, status

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DEVELOPMENT = {"environment": "development", "allowedCidrs": []}
ANSWERS = {
    "health": Answer(200),
    "current": Answer(200),
    **{name: Answer(401) for name in ("none", "malformed", "wrong", "development", *NOT_THE_API)},
}
NO_ANSWER = {"health": Answer(0, error="no answer")}


@pytest.mark.parametrize(
    ("settings", "key", "custom", "strength"),
    [
        ({}, KEY, "pass", "pass"),
        ({}, DEVELOPMENT_KEY, "fail", "fail"),
        ({}, "sk-1234", "fail", "fail"),
        ({}, "sk-" + "a" * 64, "pass", "fail"),
        (DEVELOPMENT, DEVELOPMENT_KEY, "warn", "warn"),
        (DEVELOPMENT, KEY, "pass", "pass"),
        ({**DEVELOPMENT, "bindAddresses": ["10.0.0.1"], "tls": "managed", "masterKey": KEY}, "sk-1234", "fail", "fail"),
    ],
)
def test_a_weak_key_is_for_loopback_of_development_alone(
    make: Make, settings: dict[str, Any], key: str, custom: str, strength: str
) -> None:
    context = make(settings=settings, env={"LITELLM_MASTER_KEY": key})
    assert (status(context, "key.custom"), status(context, "key.strength")) == (custom, strength)
    assert status(context, "key.form") == "pass"


@pytest.mark.parametrize("days", [0, 90, 91])
def test_a_key_is_overdue_on_the_day_after_keymaxagedays(make: Make, days: int) -> None:
    context = make(settings={"keyMaxAgeDays": 90})
    created = (context.now.date() - timedelta(days=days)).isoformat()
    context.declaration = replace(context.declaration, key_created=created)
    assert status(context, "key.age") == ("fail" if days > 90 else "pass")


@pytest.mark.parametrize(("settings", "expected"), [({}, "warn"), (DEVELOPMENT, "not-applicable")])
def test_a_key_of_unknown_age_is_pointed_out(make: Make, settings: dict[str, Any], expected: str) -> None:
    assert status(make(settings=settings), "key.age") == expected


@pytest.mark.parametrize(
    ("after", "answer", "expected"),
    [(-SECOND, 200, "pass"), (timedelta(0), 401, "warn"), (timedelta(0), 200, "fail"), (SECOND, 403, "fail")],
)
def test_a_previous_key_ends_at_its_second(make: Make, after: timedelta, answer: int, expected: str) -> None:
    env = {"LITELLM_PREVIOUS_MASTER_KEY": "sk-old", "LITELLM_PREVIOUS_KEY_EXPIRES": NOW.isoformat()}
    context = make(env=env, inside=changed(keys={**INSIDE.keys, "previous": answer}))
    context.now = NOW + after
    assert status(context, "key.previous") == expected


@pytest.mark.parametrize(
    ("settings", "log", "expected"),
    [
        ({}, "all is well", "pass"),
        ({}, "WARNING: the master key is weak", "fail"),
        ({}, "x WARNING: the master key", "pass"),
        (DEVELOPMENT, "WARNING: the master key is weak", "warn"),
    ],
)
def test_a_warning_of_the_key_at_start_up_counts(make: Make, settings: dict[str, Any], log: str, expected: str) -> None:
    assert status(make(settings=settings, logs={"litellm": f"first\n{log}"}), "key.start-up-log") == expected


@pytest.mark.parametrize("place", ["Cmd", "Entrypoint", "Labels", "Healthcheck"])
@pytest.mark.parametrize("form", [KEY, KEY.removeprefix("sk-"), base64.b64encode(f"user:{KEY}".encode()).decode()])
def test_a_secret_in_a_command_line_or_a_label_is_found(make: Make, place: str, form: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["egress"]["Config"][place] = {"Test": ["CMD", form]}

    outcome = REGISTRY["key.not-in-command"].run(make(change))
    assert (outcome.status.value, outcome.evidence) == ("fail", "egress holds a secret in the clear")
    assert status(make(), "key.not-in-command") == "pass"


@pytest.mark.parametrize(("log", "expected"), [("x", "pass"), (KEY, "fail"), (KEY[3:], "fail")])
def test_a_secret_in_a_log_is_found(make: Make, log: str, expected: str) -> None:
    assert status(make(logs={"gateway": log}), "key.not-in-logs") == expected


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("access.no-key", "none"),
        ("access.wrong-key", "wrong"),
        ("access.malformed-key", "malformed"),
        ("access.known-keys", "development"),
        ("access.model-api-only", "/metrics"),
        ("access.model-api-only", "/key/generate"),
        ("access.key-works", "current"),
    ],
)
@pytest.mark.parametrize("code", [200, 401, 404, 429, 500])
def test_each_answer_of_the_gateway_is_judged(make: Make, id_: str, name: str, code: int) -> None:
    """A key: 401, or 429 after too many failures (RFC 6585). A path: 404 too. The declared key: 200 alone."""
    good = {"access.key-works": {200}, "access.model-api-only": {401, 404, 429}}.get(id_, {401, 429})
    context = make(edge={**ANSWERS, name: Answer(code)})
    assert status(context, id_) == ("pass" if code in good else "fail")


@pytest.mark.parametrize("name", ["none", "wrong", "malformed", DEVELOPMENT_KEY, "sk-1234", "current"])
@pytest.mark.parametrize("edge", [ANSWERS, NO_ANSWER])
def test_each_answer_of_litellm_itself_is_judged(make: Make, name: str, edge: dict[str, Answer]) -> None:
    ids = {"none": "access.no-key", "wrong": "access.wrong-key", "malformed": "access.malformed-key"}
    id_ = ids.get(name, "access.key-works" if name == "current" else "access.known-keys")
    good = make(edge=edge)
    assert status(good, id_) == ("not-applicable" if name == "current" and edge is NO_ANSWER else "pass")
    for code in (429, 500, "TimeoutError"):
        assert status(make(edge=edge, inside=changed(keys={**INSIDE.keys, name: code})), id_) == "fail"


ROTATED_AWAY = {"LITELLM_PREVIOUS_MASTER_KEY": DEVELOPMENT_KEY, "LITELLM_PREVIOUS_KEY_EXPIRES": NOW.isoformat()}


@pytest.mark.parametrize("own", [{"LITELLM_MASTER_KEY": DEVELOPMENT_KEY}, ROTATED_AWAY])
def test_the_development_key_of_a_development_stack_is_an_exception(make: Make, own: dict[str, str]) -> None:
    accepted = {**INSIDE.keys, DEVELOPMENT_KEY: 200}
    found = make(settings=DEVELOPMENT, env=own, edge=ANSWERS, inside=changed(keys=accepted))
    assert status(found, "access.known-keys") == "exception"
    assert status(make(env=own, edge=ANSWERS, inside=changed(keys=accepted)), "access.known-keys") == "fail"
    open_ = changed(keys={**accepted, "sk-1234": 200})
    assert status(make(settings=DEVELOPMENT, env=own, edge=ANSWERS, inside=open_), "access.known-keys") == "fail"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(200, "pass"), (502, "warn"), (503, "warn"), (504, "warn"), (403, "fail"), (500, "fail"), ("OSError", "fail")],
)
def test_the_api_is_let_through(make: Make, code: int | str, expected: str) -> None:
    """RFC 9110, 15.6.3 to 15.6.5: what is behind the proxy fails, not its list."""
    assert status(make(inside=changed(tunnels={"allowed": code})), "network.egress-passes") == expected


@pytest.mark.parametrize("name", ["other name", "other port", "metadata address", "public address"])
@pytest.mark.parametrize(("code", "expected"), [(403, "pass"), (200, "fail"), (402, "fail"), (404, "fail")])
def test_all_else_is_refused_by_the_proxy(make: Make, name: str, code: int, expected: str) -> None:
    tunnels = {**INSIDE.tunnels, name: code}
    assert status(make(inside=changed(tunnels=tunnels)), "network.egress-refuses") == expected


@pytest.mark.parametrize(
    ("field", "value", "id_"),
    [
        ("default_routes", ["10.0.0.1"], "network.no-internet"),
        ("neighbours", {"172.17.0.1": True}, "network.no-host"),
        ("names", {"posture.example.com": True}, "network.no-dns"),
    ],
)
def test_a_way_out_of_litellms_container_is_found(make: Make, field: str, value: Any, id_: str) -> None:
    assert status(make(), id_) == "pass"
    assert status(make(inside=changed(**{field: value})), id_) == "fail"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["10.0.0.0/8"], "pass"),
        ([], "fail"),
        (["10.0.0.0/8", "0.0.0.0/0"], "fail"),
        (["10.0.0.0/9"], "fail"),
        (["10.1.2.3/8"], "pass"),
    ],
)
def test_the_allow_list_in_force_is_the_declared_one(make: Make, found: list[str], expected: str) -> None:
    assert status(make(**{"allow-list": found}), "network.allow-list") == expected


@pytest.mark.parametrize(("got", "expected"), [("answered", "fail"), ("closed", "pass"), ("TimeoutError", "pass")])
def test_a_stranger_is_not_answered(make: Make, got: str, expected: str) -> None:
    assert status(make(outsider=got), "network.outsider") == expected


@pytest.mark.parametrize(
    ("settings", "code", "expected"),
    [({}, 0, "pass"), ({}, 200, "fail"), ({}, 503, "fail"), ({"allowHost": True}, 200, "not-applicable")],
)
def test_the_host_is_refused_unless_it_is_allowed(
    make: Make, settings: dict[str, Any], code: int, expected: str
) -> None:
    assert status(make(settings=settings, edge={"health": Answer(code)}), "network.host-refused") == expected


@pytest.mark.parametrize(
    ("settings", "id_", "expected"),
    [
        ({}, "settings.verify-on-update", "pass"),
        ({"verifyOnUpdate": False}, "settings.verify-on-update", "warn"),
        ({}, "settings.log-level", "pass"),
        ({**DEVELOPMENT, "logLevel": "DEBUG"}, "settings.log-level", "warn"),
    ],
)
def test_settings_that_blind_somebody_are_pointed_out(
    make: Make, settings: dict[str, Any], id_: str, expected: str
) -> None:
    assert status(make(settings=settings), id_) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config: {}", "pass"),
        (f"config: {{a: {KEY}}}", "fail"),
        ("config: {'litellm-claude:anthropicApiKey': plain}", "fail"),
        ("config: {'litellm-claude:anthropicApiKey': ''}", "pass"),
        ("config: {'litellm-claude:anthropicApiKey': {secure: v1}}", "pass"),
        ("", "pass"),
        ("config: {'litellm-claude:keyRotation': 2026-02-31}", "pass"),
    ],
)
def test_a_secret_in_the_stacks_file_is_found(make: Make, text: str, expected: str) -> None:
    context = make()
    assert status(context, "secrets.stack-file") == "pass"  # without a file
    (context.folder / "Pulumi.test.yaml").write_text(text)
    assert status(context, "secrets.stack-file") == expected


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [([("/home/app/.claude", "volume")], "pass"), ([("/home/app/.claude", "other")], "fail"), ([], "fail")],
)
def test_the_logins_volume_is_where_litellm_looks(make: Make, mounts: list[tuple[str, str]], expected: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["litellm"]["Mounts"] = [{"Destination": path, "Name": name} for path, name in mounts]

    assert status(make(change), "login.volume") == expected


def test_one_credential_of_its_own_setting_is_as_it_should_be(make: Make) -> None:
    env, settings = {"ANTHROPIC_API_KEY": "sk-ant-api03-x"}, {"anthropicApiKey": "sk-ant-api03-x"}
    assert status(make(settings=settings, env=env), "login.separate") == "pass"
    assert status(make(settings=settings, env={**env, "CLAUDE_CODE_OAUTH_TOKEN": "x"}), "login.separate") == "fail"
