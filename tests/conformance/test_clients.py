"""Real clients do what their users do, with either credential; the page of it is what the run gives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from testbed.container import CREDENTIALS, ROOT, Bed, Gateway, container

ENVIRONMENT = ROOT / ".toolchain" / "tools" / "clients"
NODE_ENVIRONMENT = ROOT / ".toolchain" / "tools" / "node-clients"
LOCK = "tools/clients/requirements.lock"
NODE_FILES = ("tools/clients/package.json", "tools/clients/package-lock.json", "tests/clients/suite.mjs")
PAGE = ROOT / "docs" / "clients-matrix.md"
Outcomes = dict[tuple[str, str], str]  # client and scenario, and what went wrong


@pytest.fixture(scope="module")
def outcomes(bed: Bed) -> dict[str, Outcomes]:
    suites = [python_suite(), *([node_suite()] if shutil.which("npm") else [])]
    made: dict[str, Outcomes] = {}
    for name, settings in CREDENTIALS.items():
        with container(bed, **settings) as gateway:
            made[name] = {where: wrong for suite in suites for where, wrong in run_suite(suite, gateway).items()}
    return made


def python_suite() -> list[str]:
    subprocess.run(["setup/python.sh", LOCK, str(ENVIRONMENT.relative_to(ROOT))], cwd=ROOT, check=True)
    return [str(ENVIRONMENT / "bin" / "python"), "-m", "tests.clients"]


def node_suite() -> list[str]:
    NODE_ENVIRONMENT.mkdir(parents=True, exist_ok=True)
    for file in NODE_FILES:
        shutil.copy(ROOT / file, NODE_ENVIRONMENT)
    install = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(install, cwd=NODE_ENVIRONMENT, check=True)
    return ["node", str(NODE_ENVIRONMENT / "suite.mjs")]


def run_suite(command: list[str], gateway: Gateway) -> Outcomes:
    where = {"SUITE_URL": gateway.url, "SUITE_KEY": gateway.key, "SUITE_FAKE": gateway.fake_url}
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **where}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {(client, scenario): wrong for client, scenario, wrong in lines}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("credential", list(CREDENTIALS))
def test_every_client_gets_what_it_asks_for(credential: str, outcomes: dict[str, Outcomes]) -> None:
    assert {where: wrong for where, wrong in outcomes[credential].items() if wrong} == {}


def test_both_credentials_are_asked_the_same(outcomes: dict[str, Outcomes]) -> None:
    by_key, by_login = outcomes.values()
    assert by_key.keys() == by_login.keys()
    assert len(by_key) >= 80


@pytest.mark.skipif(shutil.which("npm") is None, reason="no Node here")
def test_the_page_of_clients_is_what_the_run_gives(outcomes: dict[str, Outcomes]) -> None:
    """`make clients-matrix` writes it anew."""
    if "WRITE_CLIENTS_MATRIX" in os.environ:
        PAGE.write_text(page(outcomes), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(outcomes)


def versions() -> dict[str, str]:
    """The version of each locked package."""
    python = re.findall(r"^([\w-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / LOCK).read_text(encoding="utf-8"), re.MULTILINE)
    locked = json.loads((ROOT / NODE_FILES[1]).read_text(encoding="utf-8"))["packages"]
    node = {f"{name.removeprefix('node_modules/')} (Node)": one["version"] for name, one in locked.items() if name}
    return {**dict(python), **node}


def page(outcomes: dict[str, Outcomes]) -> str:
    """A table: a client in each row, a scenario in each column, and in each field for how many credentials it holds."""
    names = list(next(iter(outcomes.values())))
    scenarios = list(dict.fromkeys(name for client, name in names if client != "instructor"))
    rows = []
    for client in dict.fromkeys(client for client, _ in names):
        own = [(one, name) for one, name in names if one == client]
        extra = [name for _, name in own if name not in scenarios]
        fields = [field(outcomes, client, name) if (client, name) in own else "" for name in scenarios]
        more = ", ".join(f"{name}: {field(outcomes, client, name)}" for name in extra)
        rows.append(f"| {client} | {' | '.join(fields)} | {more} |")
    heads = [*scenarios, "more"]
    table = [f"| Client | {' | '.join(heads)} |", f"| --- | {' | '.join('---' for _ in heads)} |", *rows]
    known = versions()
    tried = ", ".join(f"{name} {known[name]}" for name in PACKAGES)
    return f"{HEAD}\n{chr(10).join(table)}\n\nVersions: {tried}.\n\n{TAIL}"


HEAD = """\
# Clients that are tried

Each client does this through a running gateway before a change is taken, with an API key and with a Claude login,
against a scripted Anthropic API. `yes`: with both. The page is written by `make clients-matrix`.
"""
TAIL = """\
Claude Code is tried by itself, with both credentials: Bash, Read, Edit, an MCP server, a subagent, `--model` with names
and aliases, and the calls of its small model.
"""
PACKAGES = (
    *("anthropic", "openai", "langchain-openai", "langchain-anthropic", "pydantic-ai-slim", "openai-agents"),
    *("instructor", "openai (Node)", "@anthropic-ai/sdk (Node)", "ai (Node)"),
)


def field(outcomes: dict[str, Outcomes], client: str, name: str) -> str:
    holding = [credential for credential, found in outcomes.items() if not found[client, name]]
    return "yes" if len(holding) == len(outcomes) else ", ".join(holding) or "no"
