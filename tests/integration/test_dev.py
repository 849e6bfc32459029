"""The development stack on a real engine, as its user sees it."""

import json
import re
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest

from ops.summary import LOGIN, lacks_login
from rules.docker import Client
from rules.keys import DEVELOPMENT_KEY
from rules.setting_fields import MODELS
from testbed.deployment import Deployment, docker
from testbed.hosts import Internet
from testbed.operations import Operations
from tests.integration.conftest import TOKEN
from tests.integration.verdicts import assert_clean

HELLO = {"model": "sonnet", "messages": [{"role": "user", "content": "hello"}]}


def test_a_second_up_changes_nothing(dev: Deployment) -> None:
    assert dev.changes() == {}
    assert set(dev.up(refresh=True).summary.resource_changes or {}) == {"same"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer sk-development-only"}, 200),
        ({"x-api-key": "sk-development-only"}, 200),
        ({}, 401),
        ({"authorization": "Bearer sk-wrong"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "sk-development-only-not"}, 401),
        ({"authorization": "Basic c2stZGV2ZWxvcG1lbnQtb25seQ=="}, 401),
        ({"authorization": "Bearer sk-development-only sk-development-only"}, 401),
        ({"authorization": "Bearer {}[]();--"}, 401),
        ({"authorization": "Bearer " + "k" * 4000}, 401),
        ({"x-api-key": "' OR 1=1"}, 401),
        ({"x-api-key": ""}, 401),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/messages"])
def test_authentication_truth_table(dev: Deployment, path: str, headers: dict[str, str], status: int) -> None:
    body = None if path == "/v1/models" else {**HELLO, "max_tokens": 20}
    assert dev.call(path, key=None, headers=headers, body=body).status in ({status} if status == 200 else {401, 429})


def test_the_development_key_is_warned_about_in_the_log(dev: Deployment) -> None:
    command = ["docker", "logs", dev.container("litellm")]
    stdout = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # what a pipe to grep sees
    assert re.search(r"^WARNING: .*development key", stdout, re.MULTILINE)
    assert dev.output("master_key_source") == "development default"


def test_it_is_secure_by_its_own_check(dev: Deployment) -> None:
    known_key = {"key.custom", "key.strength", "key.start-up-log"}
    assert_clean(dev, warnings=known_key, exceptions={"https.on", "access.known-keys"})


def test_the_models_are_those_that_were_asked_for(dev: Deployment) -> None:
    listed = [model["id"] for model in dev.call("/v1/models").json()["data"]]
    assert sorted(listed) == sorted([*MODELS, *MODELS.values()])


def test_a_completion_reaches_the_upstream_with_the_oauth_token(dev: Deployment, net: Internet) -> None:
    before = len(net.requests())
    answer = dev.call("/v1/chat/completions", body=HELLO)
    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["content"].startswith("word0 word1")
    asked = [r for r in net.requests()[before:] if r["path"].startswith("/v1/messages")]
    assert [r["headers"]["authorization"] for r in asked] == [f"Bearer {TOKEN}"]
    assert asked[0]["body"]["model"] == MODELS["sonnet"]


def test_a_streamed_completion_arrives_in_pieces(dev: Deployment) -> None:
    answer = dev.call("/v1/chat/completions", body={**HELLO, "stream": True})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line[6:] for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    pieces: list[Any] = [json.loads(item)["choices"] for item in data[:-1]]
    assert "".join(c[0]["delta"].get("content") or "" for c in pieces if c).startswith("word0 word1")


def test_the_messages_api_works_too(dev: Deployment) -> None:
    answer = dev.call("/v1/messages", body={**HELLO, "max_tokens": 50})
    assert answer.status == 200
    assert answer.json()["content"][0]["text"].startswith("word0 word1")


CONNECT = """
import concurrent.futures, socket, sys
def ask(target):
    address, _, port = target.rpartition(":")
    try:
        socket.create_connection((address, int(port)), 3).close()
        return target
    except OSError:
        return ""
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print("reached", *filter(None, pool.map(ask, sys.argv[1:])))
"""


def reached(stack: Deployment, addresses: Iterable[str], ports: Iterable[int]) -> str:
    """Which of the listeners LiteLLM can connect to; "reached" alone when it is none."""
    targets = [f"{address}:{port}" for address in addresses for port in ports]
    return stack.exec("litellm", "python3", "-c", CONNECT, *targets)


def test_litellm_reaches_no_listener_of_this_machine(dev: Deployment, net: Internet) -> None:
    container = dev.inspect("litellm")
    (network,) = container["NetworkSettings"]["Networks"].values()
    prefix = network["IPAddress"].rsplit(".", 1)[0]
    own = subprocess.run(["ip", "-br", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    assert f" {prefix}.1/" not in own
    addresses = (f"{prefix}.1", "172.17.0.1", net.host.machine, net.host.address)
    assert reached(dev, addresses, (14100, 443, 53, 22)) == "reached"
    (egress,) = [
        n["IPAddress"]
        for name, n in dev.inspect("egress")["NetworkSettings"]["Networks"].items()
        if "-backend-" in name
    ]
    assert reached(dev, [egress], [3128]) == f"reached {egress}:3128"  # or the probe itself would be broken


def through_the_proxy(dev: Deployment, target: str) -> str:
    """What the egress proxy answers LiteLLM that asks for a tunnel to ``target``."""
    code = (
        "import socket, sys; s = socket.create_connection(('egress', 3128), 10);"
        "s.sendall(f'CONNECT {sys.argv[1]} HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\n\\r\\n'.encode());"
        "print(s.recv(200).split()[1].decode())"
    )
    return dev.exec("litellm", "python3", "-c", code, target)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("api.anthropic.com:443", "200"),
        ("example.org:443", "403"),
        ("api.anthropic.com:22", "403"),
        ("api.anthropic.com.example.org:443", "403"),
        ("{internet}:443", "403"),
        ("169.254.169.254:80", "403"),
    ],
)
def test_the_way_out_is_the_allow_list_alone(dev: Deployment, net: Internet, target: str, status: str) -> None:
    assert through_the_proxy(dev, target.format(internet=net.host.address)) == status


def test_a_wrong_setting_stops_the_preview_with_one_sentence(dev: Deployment) -> None:
    dev.set(hostname="https://gateway")
    try:
        done = dev.pulumi("preview")
    finally:
        dev.set(hostname=None)
    assert done.returncode != 0
    assert "hostname: must be a host name such as gateway.example.org" in done.stdout
    assert "pulumi config set hostname gateway.example.org" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_login_survives_a_rotation_away_from_the_development_key_and_destroy(dev: Deployment) -> None:
    """Last, because the stack is gone after it; an update that adopts what is left is in test_upkeep.py."""
    volume, before = dev.output("claude_auth_volume"), dev.container("litellm")
    dev.exec("litellm", "sh", "-c", "echo kept > /home/app/.claude/marker")
    operations = Operations(dev)
    operations.rotate("--overlap", "1h")
    assert dev.container("litellm") != before
    keys = (dev.output("master_key"), DEVELOPMENT_KEY)
    assert [dev.call("/v1/models", key=key).status for key in keys] == [200, 200]
    operations.retire()
    assert [dev.call("/v1/models", key=key).status for key in keys] == [200, 401]
    assert dev.exec("litellm", "cat", "/home/app/.claude/marker") == "kept"
    outputs = {"claude_auth": "login", "litellm_container": dev.container("litellm")}
    assert lacks_login(outputs, Client())
    dev.exec("litellm", "sh", "-c", f"echo a login > {LOGIN}")
    assert not lacks_login(outputs, Client())
    assert docker("ps", "--all", "--quiet", "--filter", f"name={before}") == ""
    dev.stack.destroy(on_output=dev.printed.append)
    read = (
        "run",
        "--rm",
        "--network=none",
        f"--volume={volume}:/login:ro",
        "debian:trixie-slim",
        "cat",
        "/login/marker",
    )
    assert docker(*read) == "kept"
