"""The documentation: what it names exists, what it shows runs, and what is generated is current."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rules.configuration import FIELDS
from tests.unit.house.test_habits import ROOT, tracked
from tools.docs import settings_page, usage_page

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
TEXT = "\n".join(page.read_text() for page in PAGES)
KEY = "sk-of-this-test"
FOREIGN = (
    "Bind for",
    "Range of CPUs",
    "the stack is currently",
    "must be of type",
    "failed to load",
    "connection reset",
    "There's an issue with the selected model",
    "unable to get",
    "CERTIFICATE",
    "maxRequestMib",
    "retry-after",
)
"""Errors of Docker, Pulumi and clients, and words that are no error."""
ANSWERS: dict[str, dict[str, Any]] = {
    "/v1/messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": "Hello from the fake"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "/v1/chat/completions": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "claude-sonnet-5-5",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Hello from the fake"},
            }
        ],
    },
}


class Fake(BaseHTTPRequestHandler):
    """Answers the two routes, to whoever has the key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        known = self.headers["authorization"] == f"Bearer {KEY}" and self.path in ANSWERS
        body = json.dumps(ANSWERS[self.path] if known else {}).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Fake) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def snippets(language: str) -> dict[str, str]:
    """Code of docs/clients.md by the heading above it."""
    found = re.findall(
        rf"^##+ ([^\n]+)\n(?:(?!^##).)*?```{language}\n(.*?)```",
        (ROOT / "docs" / "clients.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    return dict(found)


def test_the_page_of_usage_is_made_from_what_a_line_holds() -> None:
    assert usage_page.PAGE.read_text() == usage_page.page(), "Fix: python -m tools.docs.usage_page"


def test_the_page_of_settings_is_the_one_that_the_model_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_page.main(["--check"]) == 0, capsys.readouterr().err
    named = re.findall(r"^\| `(\w+)`", settings_page.PAGE.read_text(), re.MULTILINE)
    assert named == list(FIELDS)


def test_a_stale_page_of_settings_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings_page, "page", lambda: "another page\n")
    assert settings_page.main(["--check"]) == 1
    assert "docs/settings.md is out of date. Fix: python -m tools.docs.settings_page" in capsys.readouterr().err


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_files_that_the_pages_name_exist() -> None:
    folders = "|".join({path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT})
    named = set(re.findall(rf"`((?:{folders})/[\w./-]*)`", TEXT)) - set(re.findall(r"Create `([^`]+)`", TEXT))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_files_that_the_sources_name_exist() -> None:
    every = [str(path.relative_to(ROOT)) for path in tracked()]
    folders = "|".join(sorted({name.partition("/")[0] for name in every if re.match(r"[a-z]+/", name)}))
    named = re.compile(rf"(?<![\w/.$*{{}}-])(?:{folders})/\w[\w/.-]*\w(?![\w/*{{<(])")
    others = ("*.md", "*.lock", "*.sum", "*.json", "*.png", "testbed/fakes/mcp_server.py", "tests/unit/house")
    sources = tracked(*(f":!{pattern}" for pattern in others))
    found = {(path.name, name) for path in sources for name in named.findall(path.read_text())}
    assert len(found) > 100
    assert {one for one in found if not any(name.startswith(one[1]) for name in every)} == set()


def test_the_commands_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\(|&& )make (?:-s )?([a-z][a-z0-9-]*)", TEXT, re.MULTILINE))
    assert len(named) > 10
    assert named - targets == set()


def test_the_settings_that_the_pages_set_exist() -> None:
    commands = re.findall(r"pulumi config (?:set|rm)((?: --[\w-]+(?: prod| dev)?)*) '?(\w+)", TEXT)
    assert len(commands) > 10
    assert {name for _, name in commands} - set(FIELDS) - {"NAME"} == set()


def test_a_command_that_sets_something_names_its_stack() -> None:
    """Else it changes whichever stack is selected, or none. Whoever works with pulumi alone has selected one."""
    pages = [page for page in PAGES if page.name not in ("deploying.md", "CHANGELOG.md")]
    commands = [
        (page.name, line) for page in pages for line in re.findall("pulumi config (?:set|rm).*", page.read_text())
    ]
    assert len(commands) > 30
    assert [one for one in commands if "--stack" not in one[1]] == []


def test_each_setting_is_told_of_besides_its_row() -> None:
    pages = "\n".join(page.read_text() for page in PAGES if page.name not in ("settings.md", "CHANGELOG.md"))
    assert [name for name in FIELDS if not re.search(rf"\b{name}\b", pages)] == []


def test_the_errors_of_the_troubleshooting_page_are_real() -> None:
    rows = re.findall(r"^\| (.+?) \| ", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = {text for row in rows for text in re.findall(r"`([^`]+)`", row)}
    sources = [path for path in tracked(":!docs", ":!tests", ":!*.md") if b"\0" not in path.read_bytes()]
    # a sentence may be wrapped in its source, and hold names where the page has dots
    said = re.sub(r'"\s*f?"', "", " ".join(path.read_text() for path in sources))
    ours = {text for text in quoted if not text.startswith(FOREIGN)}
    assert len(ours) > 12
    assert {
        text for text in ours if not all(part in said for part in re.split(r" ?\.\.\. ?|(?<=masterKey): ", text))
    } == set()


def test_tables_speak_yaml_and_not_python() -> None:
    assert re.findall(r"`(?:True|False|None)`", TEXT) == []


@pytest.mark.parametrize("client", ["anthropic", "openai"])
def test_a_client_of_the_documentation_gets_its_answer(client: str, gateway: str) -> None:
    environment = {**os.environ, "GATEWAY_URL": gateway, "GATEWAY_KEY": KEY}
    run = subprocess.run(
        [sys.executable, "-c", snippets("python")[client]], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.returncode) == ("Hello from the fake\n", 0), run.stderr


def test_every_example_reads_address_and_key_from_the_two_variables() -> None:
    examples = {**snippets("python"), **snippets("js")}
    assert len(examples) == 7
    for name, code in examples.items():
        assert code.count("GATEWAY_URL") == code.count("GATEWAY_KEY") == 1, name
    for name, code in snippets("python").items():
        compile(code, name, "exec")
