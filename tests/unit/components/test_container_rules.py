"""What the LiteLLM container refuses to start with is refused by the preview, in the container's own words."""

import re
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.container import environment_fault
from rules.lengths import name_fault
from rules.settings import Settings
from tests.unit.components.conftest import Deploy

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"maxRequestMib": 256}, "set litellmMemoryMib to"),
        ({"claudeMaxConcurrency": 256}, "the memory limit of 3072 MiB is too small"),
        ({"litellmMemoryMib": 512}, "the memory limit of 512 MiB is too small"),
    ],
)
def test_a_memory_limit_that_cannot_hold_the_work_is_refused_at_preview(
    deploy: Deploy, changes: dict[str, int], reason: str
) -> None:
    with pytest.raises(pulumi.RunError, match=f"the LiteLLM container would not start: .*{reason}"):
        deploy("prod", **changes)


@pytest.mark.parametrize(
    ("name", "fits"), [("n" * 33, True), ("with.dot", True), ("n" * 34, False), ("two..dots", False)]
)
def test_a_name_by_which_no_container_would_find_the_egress_proxy_is_refused_at_preview(
    deploy: Deploy, name: str, fits: bool
) -> None:
    """The stack would come up, and no request would reach a model: no client takes such a host name of a proxy."""
    if fits:
        deploy("prod", name=name)
        f"litellm-claude-{name}-egress-1a2b3c4".encode("idna")
        return
    with pytest.raises(pulumi.RunError, match=r"named after .* Fix: pulumi config set name NAME --stack prod"):
        deploy("prod", name=name)


def test_a_stack_with_acme_has_a_proxy_with_a_longer_name() -> None:
    for length, acme, fits in ((28, True, True), (29, True, False), (33, False, True)):
        assert (name_fault("n" * length, "prod", acme=acme) is None) is fits


def test_each_value_that_the_preview_hands_over_is_one_that_the_container_takes(deploy: Deploy) -> None:
    assert environment_fault(deploy("prod").env("litellm")) is None
    assert environment_fault({"LITELLM_MASTER_KEY": "no key"}) is not None


@given(token=st.text(min_size=1, max_size=30) | st.from_regex(r"sk-ant-[a-z]{3}[!-~]{1,20}", fullmatch=True))
def test_a_credential_that_the_rules_take_is_one_that_the_container_takes(token: str) -> None:
    for setting, variable, auth in (
        ("claudeOauthToken", "CLAUDE_CODE_OAUTH_TOKEN", "token"),
        ("anthropicApiKey", "ANTHROPIC_API_KEY", "api-key"),
    ):
        try:
            Settings.model_validate({"environment": "production", setting: token})
        except ValidationError:
            continue
        environment = {"LITELLM_MASTER_KEY": "sk-x", "GATEWAY_MODELS": '{"sonnet": "claude"}', "CLAUDE_AUTH": auth}
        assert environment_fault({**environment, variable: token}) is None


def test_the_containers_rules_need_nothing_that_the_program_does_not_lock() -> None:
    """A stack is brought up with requirements.lock alone; what the image and the tests install is not there."""
    code = (
        "import sys; before = set(sys.modules); import rules.container; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    needed = {name for name in done.stdout.split() if not name.startswith("_sysconfigdata")}  # Python's own
    locked = re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {"rules", "claude_gateway"} <= needed
    assert needed <= {"rules", "claude_gateway", *(name.replace("-", "_") for name in locked)}
