"""What a stack on a swarm is: who reaches it, what is open, what it shows, and what it counts."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.swarm.bed import PORT, ROLES, Bed
from tests.swarm.conftest import FEW

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]

OWN = {2377, 7946}
"""Docker's own: managers (mutual TLS) and gossip."""
SCAN = """
import concurrent.futures, json, socket, sys
def there(port):
    with socket.socket() as s:
        s.settimeout(2)
        return s.connect_ex((sys.argv[1], port)) == 0
ports = range(1, 65536)
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps([port for port, found in zip(ports, pool.map(there, ports)) if found]))
"""
REACH = """
import json, os, socket, sys
def direct(address, port):
    try:
        socket.create_connection((address, port), 3).close()
    except OSError as error:
        return type(error).__name__ + " " + str(error.errno)
    return "open"
def tunnel(target):
    proxy, _, port = os.environ["HTTPS_PROXY"].rpartition("/")[2].partition(":")
    with socket.create_connection((proxy, int(port)), 5) as s:
        s.settimeout(15)
        s.sendall(("CONNECT %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (target, target)).encode())
        return s.recv(64).split()[1].decode()
print(json.dumps({"direct": direct(sys.argv[1], 443), "dns": direct(sys.argv[1], 53),
                  "allowed": tunnel("api.anthropic.com:443"), "other": tunnel("example.com:443"),
                  "port": tunnel("api.anthropic.com:53"), "address": tunnel(sys.argv[1] + ":443")}))
"""


def test_another_update_changes_nothing_even_after_a_refresh(bed: Bed) -> None:
    assert bed.stack.changes() == {}
    shown = bed.stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_every_node_serves_whom_the_allow_list_names_and_nobody_else(bed: Bed) -> None:
    key = ("--header", f"authorization: Bearer {bed.key('many')}")
    for node in bed.swarm.nodes:
        assert bed.curl(bed.friend, node, "/v1/models", *key) == "200"
        assert bed.curl(bed.stranger, node, "/v1/models", *key) == "000"
        for inside in bed.swarm.nodes:
            assert bed.curl(inside.host, node, "/v1/models", *key) == "000", "a node is no client"


def test_the_gateway_knows_the_real_source(bed: Bed) -> None:
    for node in bed.swarm.nodes:
        assert bed.curl(bed.friend, node, "/v1/nowhere") in {"401", "404"}
    found = [line for line in bed.logs("gateway").splitlines() if "/v1/nowhere" in line]
    assert len(found) >= len(bed.swarm.nodes)
    assert all(bed.friend.address in line for line in found)


def test_no_port_is_open_but_the_fronts_and_dockers_own(bed: Bed) -> None:
    for node in bed.swarm.nodes:
        scanned = bed.friend.run("python3", "-c", SCAN, node.address, timeout=200)
        assert set(json.loads(scanned.stdout)) - OWN == {PORT}


def test_the_way_out_is_the_list_and_nothing_else(bed: Bed) -> None:
    node, container = next(
        (node, found[0])
        for node in bed.swarm.nodes
        if (found := node.docker("ps", "--quiet", "--filter", "label=litellm-claude.role=litellm").split())
    )
    shown = node.docker("exec", container, "/opt/venv/bin/python", "-c", REACH, bed.swarm.net.host.address)
    found = json.loads(shown)
    assert found["direct"] != "open"
    assert found["dns"] != "open"
    assert found["allowed"] == "200"
    assert (found["other"], found["port"], found["address"]) == ("403", "403", "403")


def test_a_clients_limit_holds_for_replicas_on_two_nodes_together(bed: Bed) -> None:
    assert len({task["Node"] for task in bed.tasks("litellm")}) == 2
    key = bed.key("few")
    with ThreadPoolExecutor(3) as pool:
        asked = [node for _ in range(FEW) for node in bed.swarm.nodes]
        statuses = sorted(pool.map(lambda node: bed.ask(node, key), asked))
    assert statuses == [200] * FEW + [429] * 2 * FEW


def test_no_secret_is_shown_by_the_swarm_the_state_or_a_log(bed: Bed) -> None:
    first = bed.swarm.first
    secrets = {
        "sk-ant-of-the-swarm",
        bed.stack.output("master_key"),
        *bed.stack.output("client_keys").values(),
    }
    configs = [
        base64.b64decode(first.inspect("config", "inspect", config)[0]["Spec"]["Data"]).decode()
        for config in first.docker("config", "ls", "--quiet").split()
    ]
    shown = [
        first.docker("service", "inspect", *bed.services()),
        *map(bed.logs, ROLES),
        first.docker("secret", "inspect", *first.docker("secret", "ls", "--quiet").split()),
        *configs,
        *(path.read_text() for path in bed.stack.state.rglob("*.json")),
        *bed.stack.printed,
    ]
    for node in bed.swarm.nodes:
        shown.append(node.log())
        if containers := node.docker("ps", "--all", "--quiet").split():
            shown.append(node.docker("inspect", *containers))
            for container in node.docker("ps", "--quiet").split():
                shown.append(node.docker("exec", container, "cat", "/proc/1/environ", check=False))
                shown.append(node.docker("top", container, "-o", "pid,args"))
    forms = {form for secret in secrets for form in (secret, base64.b64encode(secret.encode()).decode())}
    assert not [text[:80] for text in shown if any(form in text for form in forms)]
    assert any("litellm-claude" in text for text in shown), "something was looked at"
