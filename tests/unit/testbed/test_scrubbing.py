"""What may not stand in a recording of an engine's answers does not."""

import base64
import json
import platform
from typing import Any

import pytest

from posture.secrets import MARK
from testbed import scrubbing
from testbed.recording import question
from testbed.scrubbing import Scrubber, SecretLeftError, made_up

KEY = "sk-" + "4f" * 32
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"
SECRETS = [PEM, KEY]


@pytest.fixture
def scrub() -> Scrubber:
    return Scrubber(SECRETS, "t0a1b2c", {"/tmp/stack": "/stack"})


def test_a_secret_is_replaced_by_the_same_word_everywhere_also_in_json_in_json(scrub: Scrubber) -> None:
    given: dict[str, Any] = {
        "Env": [f"KEY={KEY}", f"PEM={PEM}"],
        "inputs": {MARK: "x", "plaintext": json.dumps([f"KEY={KEY}", PEM])},
        "t0a1b2c": "litellm-claude-t0a1b2c in /tmp/stack/project",
    }
    found, key, pem = scrub(given), made_up(KEY, 1), made_up(PEM, 0)
    assert found["Env"] == [f"KEY={key}", f"PEM={pem}"]
    assert json.loads(found["inputs"]["plaintext"]) == [f"KEY={key}", pem]
    assert found["recorded"] == "litellm-claude-recorded in /stack/project"
    scrub.refuse(json.dumps(found))


@pytest.mark.parametrize(
    "left",
    [
        KEY,
        KEY.removeprefix("sk-"),
        base64.b64encode(KEY.encode()).decode(),
        f"host {platform.node()}",
        "in /tmp/engine-1/data",
        PEM.splitlines()[0],
    ],
)
def test_what_is_left_in_another_form_or_of_this_machine_is_refused(scrub: Scrubber, left: str) -> None:
    with pytest.raises(SecretLeftError, match="would stand in the recording"):
        scrub.refuse(json.dumps({"said": left}))


def test_of_an_object_is_kept_what_is_read() -> None:
    info = {"Name": "host", "ID": "x", "SwapLimit": True, "Swarm": {"LocalNodeState": "inactive", "NodeID": "x"}}
    (answer,) = scrubbing.answers([(("info", "--format", "{{json .}}"), 0, json.dumps(info) + "\n", "")], "x")
    assert answer["out"] == [{"SwapLimit": True, "Swarm": {"LocalNodeState": "inactive"}}]


def test_of_a_question_that_is_asked_again_the_last_answer_holds() -> None:
    asked = ("exec", "x", "sh", "-c", "for p in ...")
    (answer,) = scrubbing.answers([(asked, 0, "1 0 :runc:[2:INIT]", ""), (asked, 0, "1 13 :squid", "")], "x")
    assert answer["out"] == "1 13 :squid"


def test_of_a_log_the_lines_of_requests_are_left_out() -> None:
    log = 'ready\n{"source": "198.51.100.7"}\n' + "line\n" * 9
    (answer,) = scrubbing.answers([(("logs", "x"), 0, log, "")], "x")
    assert answer["out"] == "ready\n" + "line\n" * 3


def test_a_state_is_kept_without_private_keys_and_what_was_replaced() -> None:
    kinds = ("tls:index/privateKey:PrivateKey", "docker:index/container:Container")
    resources = [{"type": kind, "urn": "u", "id": "i", "inputs": {"a": 1}, "outputs": {"b": 2}} for kind in kinds]
    kept = scrubbing.state({"deployment": {"resources": [*resources, {**resources[1], "delete": True}]}})
    assert kept["deployment"]["resources"] == [{"type": kinds[1], "urn": "u", "id": "i", "inputs": {"a": 1}}]


def test_a_program_may_change_without_a_new_question() -> None:
    asked = ("exec", "x", "python", "-c", '"""Looks."""\nimport os')
    assert question(asked) == question((*asked[:-1], '"""Looks."""\nimport sys')) == [*asked[:-1], '"""Looks."""...']
