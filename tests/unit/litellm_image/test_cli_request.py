"""What a Messages request becomes for the CLI, and which requests are refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.litellm_image.claude_cli import message

from claude_gateway.cli import UpstreamError
from claude_gateway.cli.request import DEFAULTS, CliRequest, cli_request, system_text

MARK = {"type": "ephemeral"}
HEADER = "x-anthropic-billing-header: cc_version=9; cc_entrypoint=other;"
MESSAGES = [{"role": "user", "content": "hello there"}]


def extra(request: CliRequest) -> dict[str, Any]:
    body = json.loads(request.environment["CLAUDE_CODE_EXTRA_BODY"])
    assert isinstance(body, dict)
    return body


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def test_what_the_client_sent_is_laid_over_the_clis_body_as_it_is() -> None:
    tool = {"name": "t", "input_schema": {"type": "object", "properties": {"é": {"enum": ["\ud800", 1.5, None]}}}}
    body = message(
        messages=[{"role": "user", "content": [text("hello", cache_control=MARK)]}],
        tools=[tool],
        tool_choice={"type": "tool", "name": "t", "disable_parallel_tool_use": True},
        thinking={"type": "adaptive"},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {}}},
        stop_sequences=["x"],
        top_k=3,
        service_tier="auto",
        context_management={"edits": []},
        diagnostics={"previous_message_id": "msg_1"},
        fallbacks=[{"model": "claude-haiku-5-5"}],
    )
    assert extra(cli_request(body)) == {name: value for name, value in body.items() if name != "model"}


def test_what_is_the_clis_own_is_not_in_the_extra_body() -> None:
    body = message(system="s", metadata={"user_id": "u"}, stream=True)
    assert set(extra(cli_request(body))) == {"messages", "max_tokens"}


def test_a_field_that_asks_for_what_holds_anyway_is_left_out() -> None:
    assert set(extra(cli_request(message(mcp_servers=[], speed="standard")))) == {"messages", "max_tokens"}


@pytest.mark.parametrize(
    "name", ["container", "mcp_servers", "speed", "betas", "anthropic_beta", "thread", "extra_body", "user_id"]
)
def test_what_a_login_cannot_honour_is_refused_by_name(name: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        cli_request({**message(), name: ["x"]})
    assert caught.value.status == 400
    assert caught.value.message.startswith(f"{name}: not supported with a Claude login: ")
    assert "API key" in caught.value.message


def test_null_asks_for_nothing() -> None:
    assert "container" not in extra(cli_request({**message(), "container": None, "top_k": None}))


@pytest.mark.parametrize("messages", [None, [], "hello"])
def test_a_request_without_messages_is_refused(messages: Any) -> None:
    with pytest.raises(UpstreamError, match="messages"):
        cli_request({**message(), "messages": messages})


def test_every_variable_is_written_for_every_request() -> None:
    full = cli_request(message(top_p=0.5, output_config={"effort": "low"}, model="claude-opus-4-6"), ["a-1"])
    assert set(full.environment) == set(cli_request(message()).environment) == set(DEFAULTS)


def test_an_attribution_of_the_clients_is_cut_off() -> None:
    assert system_text(f"{HEADER}\n\n{HEADER}\nMine") == "Mine"
    assert system_text(f" \n\ufeff{HEADER.upper()}\nMine") == "Mine"
    assert system_text([text(HEADER), text("Mine"), text(f"{HEADER}\nToo")]) == "Mine\n\nToo"
    assert system_text(f"Mine\n{HEADER}") == f"Mine\n{HEADER}", "in the middle it is only text"


@pytest.mark.parametrize("system", [" a", "a\n", "\ufeffa", " ", "\x85a", "a\n__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__\nb"])
def test_a_system_prompt_that_a_file_would_change_gets_a_process_of_its_own(system: str) -> None:
    assert cli_request(message(system=system)).needs_own_process
    assert not cli_request(message(system="a\r\nb")).needs_own_process


def test_the_line_is_the_first_user_text_because_the_attribution_is_computed_from_it() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    blocks = [{"role": "user", "content": [result, text(" "), text("second" * 100)]}]
    assert cli_request(message("hello there")).line == "hello there"
    assert cli_request(message(messages=blocks)).line == ("second" * 100)[:200]
    assert cli_request(message(messages=[{"role": "user", "content": [result]}])).line == "."


def test_betas_are_passed_on_but_for_those_that_the_cli_sends_itself() -> None:
    request = cli_request(message(output_config={"effort": "low"}), ["oauth-2025-04-20", "foo-1", "foo-1"])
    assert request.betas == "foo-1,effort-2025-11-24"
    assert cli_request(message()).betas == ""


@pytest.mark.parametrize("beta", ["", "a b", "x,y", "Upper", "a\r\nx-evil: 1", "-a", "a" * 200])
def test_a_beta_that_is_no_name_is_refused(beta: str) -> None:
    with pytest.raises(UpstreamError, match="anthropic-beta"):
        cli_request(message(), [beta])


def test_a_number_that_javascript_would_round_is_refused_and_not_changed() -> None:
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {"id": 2**53 + 1}}
    with pytest.raises(UpstreamError, match="rounded"):
        cli_request(message(messages=[*MESSAGES, {"role": "assistant", "content": [call]}]))
    schema = {"type": "integer", "maximum": 2**63 - 1}
    assert cli_request(message(tools=[{"name": "n", "input_schema": schema}])).model


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(UpstreamError, match="NaN"):
        cli_request(message(temperature=float("nan")))


def test_top_p_keeps_the_cli_from_sending_a_temperature_beside_it() -> None:
    assert extra(cli_request(message(top_p=0.5, model="claude-sonnet-4-5")))["thinking"] == {"type": "disabled"}
    assert "thinking" not in extra(cli_request(message(top_p=0.5, model="claude-opus-5-5")))


def test_an_effort_that_the_cli_would_drop_is_refused() -> None:
    with pytest.raises(UpstreamError, match="effort"):
        cli_request(message(output_config={"effort": "low"}, model="claude-haiku-4-5-20251001"))


class TestCaching:
    """Anthropic takes four marks, and none of an hour after one of five minutes."""

    def test_a_client_that_marks_nothing_gets_what_the_cli_does(self) -> None:
        request = cli_request(message())
        assert extra(request)["messages"][-1]["content"][-1]["cache_control"] == {**MARK, "ttl": "1h"}
        assert request.environment["CLAUDE_CODE_PROMPT_CACHE_TTL"] == "1h"
        assert MESSAGES[0]["content"] == "hello there"

    @pytest.mark.parametrize("last", [{"role": "assistant", "content": "pre"}, {"role": "user", "content": ""}])
    def test_what_cannot_be_marked_is_not(self, last: dict[str, Any]) -> None:
        assert extra(cli_request(message(messages=[*MESSAGES, last])))["messages"][-1] == last

    def test_a_client_that_marks_decides_alone(self) -> None:
        messages = [{"role": "user", "content": [text("a", cache_control=MARK)]}]
        request = cli_request(message(messages=messages))
        assert extra(request)["messages"] == messages
        assert request.environment["DISABLE_PROMPT_CACHING"] == "1"

    def test_a_mark_for_the_whole_request_is_the_clients_too(self) -> None:
        request = cli_request(message(cache_control=MARK))
        assert request.environment["DISABLE_PROMPT_CACHING"] == "1"
        assert extra(request)["cache_control"] == MARK

    def test_marks_on_the_system_prompt_are_the_clis_while_there_is_room_for_its_two(self) -> None:
        system = [text("s", cache_control=MARK)]
        schema = {"properties": {"cache_control": {"type": "string"}}}
        tools = [{"name": "a", "input_schema": schema, "cache_control": MARK}]
        assert cli_request(message(system=system, tools=tools)).environment["CLAUDE_CODE_PROMPT_CACHE_TTL"] == "5m"
        full = cli_request(message(system=system, tools=tools * 3)).environment
        assert (full["DISABLE_PROMPT_CACHING"], full["CLAUDE_CODE_PROMPT_CACHE_TTL"]) == ("1", "")

    def test_a_mark_in_a_tools_result_counts(self) -> None:
        part = text("r", cache_control=MARK)
        result = {"type": "tool_result", "tool_use_id": "t", "content": [part, part, part]}
        request = cli_request(
            message(system=[text("s", cache_control=MARK)], messages=[{"role": "user", "content": [result]}])
        )
        assert request.environment["DISABLE_PROMPT_CACHING"] == "1"


def test_thoughts_are_not_kept_because_a_client_names_a_beta() -> None:
    """The CLI would add an edit of its own."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    beta = "context-management-2025-06-27"
    made = extra(cli_request(message(thinking=thinking), [beta]))
    assert made["context_management"] == {"edits": []}
    assert "context_management" not in extra(cli_request(message(thinking=thinking)))
