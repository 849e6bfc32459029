"""A scripted stand-in for the Claude CLI: `fake_claude.py SCRIPT LOG ...`, where it writes what it was started with.

It serves any number of requests. Scripts: answer, crash-at-start, refuse (every setting), crash (after some text),
hang (before any), stall (after some), deaf (to interrupts), unwiped (/clear does nothing).
"""

import json
import os
import sys
import time


def say(frame: object) -> None:
    print(json.dumps(frame), flush=True)


def event(session: int, body: object) -> None:
    say({"type": "stream_event", "session_id": f"session-{session}", "event": body})


def answer(script: str, session: int) -> None:
    if script == "hang":
        return
    event(session, {"type": "message_start", "message": {"content": [], "usage": {}}})
    event(session, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    event(session, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}})
    if script == "crash":
        sys.exit("boom")
    if script == "stall":
        return
    event(session, {"type": "content_block_stop", "index": 0})
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    event(session, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 4}})
    say({"type": "result"})


def main() -> None:
    script, log = sys.argv[1:3]
    with open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps({"argv": sys.argv[3:], "environment": dict(os.environ)}) + "\n")
    if script == "crash-at-start":
        sys.exit("boom")
    session, running = 1, False
    for line in sys.stdin:
        frame = json.loads(line)
        if frame["type"] == "user" and frame["message"]["content"] == "/clear":
            session += 1
            if script != "unwiped":
                say({"type": "conversation_reset"})
            say({"type": "result"})
        elif frame["type"] == "user":
            answer(script, session)
            running = script in ("hang", "stall")
        else:
            asked = frame["request"]["subtype"]
            if asked == "interrupt" and script == "deaf":
                time.sleep(600)
            refused = script == "refuse" and asked == "apply_flag_settings"
            subtype = "error" if refused else "success"
            reply = {"subtype": subtype, "request_id": frame["request_id"], "response": {"rewound": True}}
            say({"type": "control_response", "response": reply})
            if asked == "interrupt" and running:
                say({"type": "result"})
                running = False


main()
