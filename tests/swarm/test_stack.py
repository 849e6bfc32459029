"""What a stack on a swarm is: who reaches it, what is open, what it shows, and what it counts."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from testbed.nodes import Node
from tests.swarm.bed import METRICS_PORT, PORT, Bed, bearer
from tests.swarm.conftest import FEW, WRONG
from tests.swarm.seen import shown, which_hold

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
    key = bearer(bed.key("many"))
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
        assert set(json.loads(scanned.stdout)) - OWN == {PORT, METRICS_PORT}


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


def test_each_node_has_its_way_out_and_what_holds_secrets_has_none(bed: Bed) -> None:
    assert {task["Node"] for task in bed.tasks("egress")} == {node.name for node in bed.swarm.nodes}
    looked_at = set()
    for node in bed.swarm.nodes:
        for role in ("litellm", "gateway", "valkey"):
            for container in node.docker("ps", "--quiet", "--filter", f"label=litellm-claude.role={role}").split():
                routes = node.docker("exec", container, "cat", "/proc/net/route").splitlines()[1:]
                assert routes
                assert "00000000" not in {line.split()[1] for line in routes}, f"{role} has a default route"
                looked_at.add((node.name, role))
    assert {role for _, role in looked_at} == {"litellm", "gateway", "valkey"}
    assert len([role for _, role in looked_at if role == "gateway"]) == 3


def test_a_clients_limit_holds_for_replicas_on_two_nodes_together(bed: Bed) -> None:
    assert len({task["Node"] for task in bed.tasks("litellm")}) == 2
    key = bed.key("few")
    with ThreadPoolExecutor(3) as pool:
        asked = [node for _ in range(FEW) for node in bed.swarm.nodes]
        statuses = sorted(pool.map(lambda node: bed.ask(node, key), asked))
    assert statuses == [200] * FEW + [429] * 2 * FEW


def test_wrong_keys_at_one_gateway_count_at_all_others(bed: Bed) -> None:
    first, *others = bed.swarm.nodes
    wrong = bearer("sk-wrong-at-one-gateway-and-at-all-others")
    here = [bed.curl(bed.friend, first, "/v1/models", *wrong) for _ in range(WRONG)]
    assert here == ["401"] * (WRONG - 1) + ["429"]
    assert [bed.curl(bed.friend, node, "/v1/models", *wrong) for node in others] == ["429"] * 2
    right = bearer(bed.key("many"))
    assert [bed.curl(bed.friend, node, "/v1/models", *right) for node in bed.swarm.nodes] == ["200"] * 3
    assert bed.ask(first, "sk-wrong-from-elsewhere") == 401, "another source has its own count"


def test_all_gateways_show_the_same_certificate(bed: Bed) -> None:
    found = set()
    for node in bed.swarm.nodes:
        with closing(bed.connection(node)) as connection:
            assert isinstance(connection.sock, ssl.SSLSocket)
            found.add(connection.sock.getpeercert(binary_form=True))
    assert len(found) == 1


def test_each_replica_has_metrics_of_its_own_at_every_node(bed: Bed) -> None:
    assert {bed.ask(node, bed.key("many")) for node in bed.swarm.nodes * 7} == {200}

    def answered(node: Node, number: int) -> float:
        lines = bed.metrics(node, f"litellm-{number}").splitlines()
        mine = [line for line in lines if line.startswith('litellm_claude_requests_total{client="many"')]
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    counts = [(answered(node, 1), answered(node, 2)) for node in bed.swarm.nodes]
    assert len(set(counts)) == 1, "who is asked is that replica, at whichever node"
    assert min(counts[0]) > 0
    assert sum(counts[0]) >= 7 * 3
    for node in bed.swarm.nodes:
        assert "litellm_claude_limits_shared 1.0" in bed.metrics(node, "litellm-2")
        assert "haproxy_" in bed.metrics(node, "gateway")
        assert bed.curl(bed.friend, node, "/metrics/litellm-1", port=METRICS_PORT) == "401"
        assert bed.curl(bed.stranger, node, "/metrics/litellm-1", port=METRICS_PORT) == "000"


def test_no_secret_is_shown_by_the_swarm_the_state_or_a_log(bed: Bed) -> None:
    secrets = {
        "sk-ant-of-the-swarm",
        bed.stack.output("master_key"),
        bed.stack.output("metrics_key"),
        *bed.stack.output("client_keys").values(),
    }
    texts = shown(bed)
    assert which_hold(texts, secrets) == []
    assert which_hold(texts, ["litellm-claude"]), "something was looked at"
