"""The production stack on a real engine: who may call it, whom it may call, and where its secrets stand."""

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from dnslib import DNSRecord
from pulumi import automation

from tests.integration.conftest import PRIVATE
from tests.integration.deployment import Deployment, docker
from tests.integration.hosts import Host, Internet
from tests.integration.test_dev import CONNECT, HELLO, through_the_proxy

PORT = 14443


@pytest.fixture(scope="module")
def authority(prod: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the CA certificate, as a client would keep it."""
    path = Path(tmp_path_factory.mktemp("ca")) / "ca.pem"
    path.write_text(prod.output("ca_certificate"))
    return str(path)


def models(prod: Deployment, client: Host, authority: str, *options: str, key: bool = True) -> str:
    header = ("-H", f"Authorization: Bearer {prod.output('master_key')}") if key else ()
    return client.curl(f"https://{prod.output('url')[8:]}/v1/models", "--cacert", authority, *header, *options)


def over_ipv6(client: Host) -> tuple[str, str]:
    return "--connect-to", f"::[{client.machine6}]:{PORT}"


def test_a_production_stack_is_complete_and_stable(prod: Deployment) -> None:
    assert prod.output("master_key_source") == "generated"
    assert prod.output("url") == f"https://10.213.2.1:{PORT}"
    assert prod.changes() == {}
    prod.stack.refresh(on_output=prod.printed.append)
    assert prod.changes() == {}


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


def test_no_operation_of_litellm_outside_the_model_api_answers(prod: Deployment, authority: str) -> None:
    code = "from litellm.proxy.proxy_server import app, json; print('\\nPATHS' + json.dumps(app.openapi()['paths']))"
    lines = prod.exec("litellm", "python3", "-c", code).splitlines()
    paths = json.loads(next(line for line in lines if line.startswith("PATHS")).removeprefix("PATHS"))
    operations = [
        (verb.upper(), path)
        for path, verbs in paths.items()
        for verb in verbs
        if verb in ("get", "post", "put", "delete", "patch")
    ]
    assert len(operations) > 500
    allowed = {
        "models",
        "chat/completions",
        "messages",
        "messages/count_tokens",
        "responses",
        "embeddings",
        "completions",
    }
    answered = []
    key = {"authorization": f"Bearer {prod.output('master_key')}"}
    with httpx.Client(
        base_url=prod.output("url"), verify=ssl.create_default_context(cafile=authority), timeout=10
    ) as client:
        for verb, path in operations:
            concrete = path.replace("{", "").replace("}", "")
            for headers in ({}, key):
                if headers and concrete.strip("/").removeprefix("v1/").split("/model_id")[0] in allowed:
                    continue
                status = client.request(verb, concrete, headers=headers).status_code
                if status not in (401, 404, 405, 429):
                    answered.append((verb, path, status, bool(headers)))
    assert answered == []


def test_nothing_leads_out_of_the_litellm_container(prod: Deployment, net: Internet) -> None:
    prefix = next(iter(prod.inspect("litellm")["NetworkSettings"]["Networks"].values()))["IPAddress"].rsplit(".", 1)[0]
    for address in (f"{prefix}.1", "172.17.0.1", net.host.machine, net.host.address, "169.254.169.254", "1.1.1.1"):
        assert prod.exec("litellm", "python3", "-c", CONNECT, address, "443").startswith("refused")
    for address in (net.host.address6, net.host.machine6, "fd00:ec2::254", "2606:4700::1111"):
        assert prod.exec("litellm", "python3", "-c", CONNECT, address, "443").startswith("refused")
    question = bytes(DNSRecord.question("datagram.tunnel.example.org").pack()).hex()
    send = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        f"s.sendto(bytes.fromhex('{question}'), ('{net.host.address}', 53))"
    )
    prod.exec("litellm", "python3", "-c", send)
    assert "datagram.tunnel.example.org" not in net.questions()


def test_names_outside_do_not_resolve_and_no_question_leaves(prod: Deployment, net: Internet) -> None:
    ask = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    for name in ("api.anthropic.com", "secret-data.tunnel.example.org"):
        assert "gaierror" in prod.exec("litellm", "python3", "-c", ask, name)
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


@contextmanager
def watched_processes(texts: list[str]) -> Iterator[list[str]]:
    """Collects command lines of this machine's processes that hold one of ``texts``."""
    found: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().decode(errors="replace")
                except OSError:
                    continue
                found.extend(text for text in texts if text in line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def spellings(secret: str) -> list[str]:
    """The key as it is, without its prefix, and its bytes in hexadecimal and both kinds of base64."""
    body = secret.removeprefix("sk-")
    raws = [secret.encode(), body.encode(), bytes.fromhex(body)]
    encoded = [f(raw).decode().rstrip("=") for raw in raws for f in (base64.b64encode, base64.urlsafe_b64encode)]
    return [body, *encoded, *(raw.hex() for raw in raws[:2])]


def test_the_key_stands_nowhere_in_the_clear(prod: Deployment) -> None:
    texts = spellings(prod.output("master_key"))
    exported = prod.pulumi("stack", "export").stdout
    with watched_processes(texts) as in_arguments:
        prod.printed.append(prod.pulumi("preview", "--diff").stdout)
        prod.set(drainSeconds=6)
        prod.up()
        prod.set(litellmImage="registry.invalid/none@sha256:" + "0" * 64)
        with pytest.raises(automation.CommandError) as failed:
            prod.up()
        prod.set(litellmImage=None, drainSeconds=5)
        prod.up()
    places = {
        "printed": "".join(prod.printed),
        "the error of a failed update": str(failed.value),
        "export": exported + prod.pulumi("stack", "export").stdout,
        "stack file": (prod.project / f"Pulumi.{prod.name}.yaml").read_text(),
        **{f"log of {role}": docker("logs", prod.container(role)) for role in ("litellm", "gateway", "egress")},
        **{
            f"layers of {role}": docker("history", "--no-trunc", prod.inspect(role)["Image"])
            for role in ("litellm", "gateway", "egress")
        },
        **{str(path): path.read_text(errors="replace") for path in prod.state.rglob("*") if path.is_file()},
    }
    assert len([name for name in places if str(prod.state) in name]) >= 3
    assert [(name, text[:6]) for name, content in places.items() for text in texts if text in content] == []
    assert in_arguments == []
    # Where it must stand, and nowhere else: the environment of the LiteLLM container.
    holders = [role for role in ("litellm", "gateway", "egress") if texts[0] in json.dumps(prod.inspect(role))]
    assert holders == ["litellm"]


def test_the_private_key_reaches_the_gateway_alone_and_no_disk_of_its_own(prod: Deployment) -> None:
    assert "PRIVATE KEY" not in prod.pulumi("stack", "export").stdout
    assert "PRIVATE KEY" not in prod.exec("gateway", "cat", "/proc/1/environ")
    mounts = prod.exec("gateway", "grep", "/run/gateway", "/proc/mounts")
    assert mounts.split()[2] == "tmpfs"


def test_a_managed_certificate_is_renewed_before_its_end(prod: Deployment) -> None:
    exported = prod.stack.export_stack()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    assert exported.deployment is not None
    for resource in exported.deployment["resources"]:
        if resource["type"].endswith("LocallySignedCert"):
            resource["outputs"]["validityEndTime"] = soon
    prod.stack.import_stack(exported)
    assert prod.changes().get("replace")
    prod.up()
    assert prod.changes() == {}
    assert prod.call("/v1/models").status == 200


def test_down_leaves_the_login_behind(prod: Deployment) -> None:
    """Last, for the stack is gone after it."""
    volume, old_key = prod.output("claude_auth_volume"), prod.output("master_key")
    prod.exec("litellm", "sh", "-c", "echo kept > /home/app/.claude/marker")
    done = prod.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert done.returncode == 0, done.stdout
    assert volume in docker("volume", "ls", "--quiet").splitlines()
    assert docker("ps", "--all", "--quiet", "--filter", f"label=litellm-claude.stack=litellm-claude-{prod.name}") == ""
    stopped = prod.pulumi("destroy", "--yes", "--skip-preview")
    assert stopped.returncode != 0
    assert "protect" in stopped.stdout + stopped.stderr
    prod.up()
    assert prod.exec("litellm", "cat", "/home/app/.claude/marker") == "kept"
    assert prod.output("master_key") != old_key
    assert prod.call("/v1/models").status == 200
