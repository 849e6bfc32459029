#!/usr/bin/env python3
"""A scripted stand-in for the Claude CLI: writes what it gets to FAKE_CLI_LOG, answers as FAKE_CLI_SCRIPT says.

Scripts: answer, refusal, error, cut, crash-at-start, crash-in-history, refuse, hang.
"""

import json
import os
import sys
import time


def log(entry: object) -> None:
    with open(os.environ["FAKE_CLI_LOG"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"pid": os.getpid(), "entry": entry}) + "\n")


def say(frame: object) -> None:
    print(json.dumps(frame), flush=True)


def event(body: object) -> None:
    say({"type": "stream_event", "event": body})


def result(**fields: object) -> None:
    say({"type": "result", "subtype": "success", "is_error": False, **fields})


def answer(script: str) -> None:
    if script == "hang":
        time.sleep(600)
    if script == "error":
        say({"type": "rate_limit_event", "rate_limit_info": {"resetsAt": time.time() + 40}})
        result(is_error=True, api_error_status=429, result="rate limited")
        return
    event({"type": "message_start", "message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 2}}})
    for piece in ("Hel", "lo"):
        event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}})
    if script == "refusal":
        say({"type": "system", "subtype": "model_refusal_no_fallback"})
        event({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 1}})
        usage = {"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 2, "cacheCreationInputTokens": 0}
        result(is_error=True, subtype="error_max_budget_usd", modelUsage={"claude-sonnet-4-5": usage})
        return
    if script == "cut":
        event({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {}})
        result(result="Hello")
        return
    event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}})
    # From here on the pool must have killed this process; the real CLI would begin turns of its own.
    time.sleep(1)
    log("second turn")


def main() -> None:
    script = os.environ.get("FAKE_CLI_SCRIPT", "answer")
    log({"argv": sys.argv[1:], "env": sorted(os.environ)})
    if script == "crash-at-start":
        sys.exit("boom")
    for line in sys.stdin:
        frame = json.loads(line)
        log(frame)
        if frame["type"] == "control_request":
            subtype = "error" if script == "refuse" else "success"
            say({"type": "control_response", "response": {"subtype": subtype, "request_id": frame["request_id"]}})
        elif frame["type"] == "user" and frame.get("shouldQuery") is False:
            if script == "crash-in-history":
                sys.exit("boom")
            result()
        elif frame["type"] == "user":
            answer(script)


main()
