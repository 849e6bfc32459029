"""How much each container may use, at the numbers of what runs in it."""

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.container import PROCESSES, go_duration
from ops import handover, preflight
from rules import processors
from rules.container import DRAIN_NOTICE_SECONDS
from rules.layout import IMAGES
from tests.unit.components.conftest import Declared, Deploy
from tests.unit.components.test_acme import HTTP
from tests.unit.components.test_program import NETWORK, ROLES


def number(name: str, path: str) -> int:
    """The number behind ``name`` in an image's file, where it stands first."""
    found = re.search(rf"^\s*{name} (\d+)", (IMAGES / path).read_text(), re.MULTILINE)
    assert found, f"{path} has no {name}"
    return int(found[1])


def ulimits(container: Declared) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["soft"], one["hard"]) for one in container.inputs["ulimits"]}


@pytest.mark.parametrize("role", ["front", "gateway"])
def test_haproxy_has_two_files_for_each_connection(deploy: Deploy, role: str) -> None:
    """HAProxy's management guide, section 5: a socket to the client and one to the server; then the next power of 2."""
    files = 1 << (2 * number("maxconn", f"{role}/haproxy.cfg")).bit_length()
    assert ulimits(deploy("prod").container(role))["nofile"] == (files, files)


def test_squid_has_room_beside_its_own_limit_of_files(deploy: Deploy) -> None:
    """Squid refuses max_filedescriptors above the process's limit; the other half is its log's and its helpers'."""
    files = 2 * number("max_filedescriptors", "egress/squid.conf")
    assert ulimits(deploy("prod").container("egress"))["nofile"] == (files, files)


@pytest.mark.parametrize(("role", "files"), [("litellm", 8192), ("acme", 1024), ("valkey", 1024)])
def test_a_limit_of_files_that_nothing_else_decides(deploy: Deploy, role: str, files: int) -> None:
    """CIS Docker Benchmark v1.6.0, 5.19. 1024 is what a program without select(2)'s trouble has (FD_SETSIZE)."""
    assert ulimits(deploy("prod", **HTTP, replicas=2).container(role))["nofile"] == (files, files)


def test_a_fork_bomb_stops_at_an_eighth_of_the_kernels_own_numbers(deploy: Deploy) -> None:
    """CIS 5.29. proc(5): pid_max is 32768 by default; the rest of the host keeps seven eighths."""
    assert PROCESSES == 32768 // 8
    assert {ulimits(deploy("prod").container(role))["nproc"] for role in ROLES} == {(PROCESSES, PROCESSES)}


def test_what_preflight_asks_of_a_machine_is_what_the_containers_may_take(deploy: Deploy) -> None:
    """CIS 5.11. The engine and the machine's own programs get 256 MiB beside them."""
    graph = deploy("prod")
    memory = {role: graph.container(role).inputs["memory"] for role in ROLES}
    assert memory["gateway"] == 2 * memory["front"] == 2 * memory["egress"] == 512  # two threads, TLS; one; one
    assert sum(memory.values()) - memory["litellm"] + 256 == preflight.BESIDE_LITELLM_MIB
    assert memory["litellm"] == preflight.Wanted.memory_mib
    assert graph.container("litellm").inputs["cpus"] == str(preflight.Wanted.cpus) + ".0"
    acme = deploy("prod", **HTTP)
    assert (
        sum(acme.container(role).inputs["memory"] for role in ("acme", "acme-egress")) == preflight.MORE_WITH_ACME_MIB
    )
    valkey = deploy("prod", replicas=2).container("valkey").inputs["memory"]
    assert valkey == preflight.MORE_WITH_REPLICAS_MIB


def test_what_preflight_counts_are_the_networks_that_are_made(deploy: Deploy) -> None:
    without, with_acme = len(deploy("prod").of(NETWORK)), len(deploy("prod", **HTTP).of(NETWORK))
    assert (without, with_acme - without) == (preflight.NETWORKS, preflight.MORE_WITH_ACME)


def read_back(text: str) -> str:
    """What the provider says of a container's processors (terraform-provider-docker, nanoInt64ToDecimalString)."""
    exact = f"{Fraction(Decimal(text)) * 10**9}"
    shown = f"{int(exact) // 10**9}.{int(exact) % 10**9:09}"
    if shown.count("0") == 9:
        return str(Decimal(shown).quantize(Decimal("0.1"), ROUND_HALF_UP))
    return shown.rstrip("0")


@pytest.mark.parametrize("processors", ["0.011", "0.5", "1.07", "2", "2.5", "10", "10.5", "12", "20", "100", "1024"])
def test_processors_are_declared_as_the_provider_reads_them_back(deploy: Deploy, processors: str) -> None:
    """Any other form is a change in each preview, and one of processors replaces the container."""
    declared = deploy("prod", litellmCpus=processors).container("litellm").inputs["cpus"]
    assert read_back(declared) == declared
    assert Decimal(declared) == Decimal(processors)


@given(st.integers(10**7, 1024 * 10**9) | st.integers(1, 102400).map(lambda hundredths: hundredths * 10**7))
def test_processors_that_are_read_back_as_others_are_refused(billionths: int) -> None:
    text = str(Decimal(billionths) / 10**9)
    same = Decimal(read_back(text)) == Decimal(text)
    assert (processors.fault(float(text)) is None) is same
    if same:
        assert processors.as_read_back(float(text)) == read_back(text)


def test_what_has_one_thread_has_one_processor(deploy: Deploy) -> None:
    """CIS 5.12. The gateway's second thread goes on with others' requests while one is throttled."""
    graph = deploy("prod", **HTTP, replicas=2)
    assert number("nbthread", "front/haproxy.cfg") == 1
    cpus = {role: graph.container(role).inputs["cpus"] for role in ("front", "gateway", "egress", "acme", "valkey")}
    assert cpus == {"front": "1.0", "gateway": "1.0", "egress": "1.0", "acme": "0.5", "valkey": "0.5"}


@pytest.mark.parametrize("role", [*ROLES, "valkey"])
def test_a_containers_health_is_asked_as_its_image_says(deploy: Deploy, role: str) -> None:
    check = deploy("prod", replicas=2).container(role).inputs["healthcheck"]
    said = re.search(r"HEALTHCHECK --interval=(\w+) .*--retries=(\d+)", (IMAGES / role / "Dockerfile").read_text())
    assert said
    assert (check["interval"], str(int(check["retries"]))) == said.groups()


@pytest.mark.parametrize(
    ("role", "seconds"), [("litellm", 120), ("gateway", 60), ("egress", 60), ("front", 30), ("valkey", 30)]
)
def test_an_update_waits_as_long_as_the_engine_calls_a_container_starting(
    deploy: Deploy, role: str, seconds: int
) -> None:
    """LiteLLM imports for half a minute on a slow machine; a proxy needs a second. No failure counts till then."""
    inputs = deploy("prod", replicas=2).container(role).inputs
    assert (inputs["waitTimeout"], inputs["healthcheck"]["startPeriod"]) == (seconds, go_duration(seconds))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "5s"), (59, "59s"), (60, "1m0s"), (61, "1m1s"), (120, "2m0s"), (3599, "59m59s")]
)
def test_a_duration_is_written_as_go_writes_it(seconds: int, shown: str) -> None:
    """time.Duration.String of Go, below an hour: the engine hands that back."""
    assert go_duration(seconds) == shown


def test_an_update_waits_for_a_drain_as_long_as_pulumi_would(deploy: Deploy) -> None:
    allowed = 600 + DRAIN_NOTICE_SECONDS + handover.KILL_SECONDS
    graph = deploy("prod", drainSeconds=600)
    assert [graph.container(role).inputs["destroyGraceSeconds"] for role in ("litellm", "gateway")] == [allowed] * 2


def test_the_front_and_the_proxies_end_when_nobody_waits_for_them(deploy: Deploy) -> None:
    """The front cuts its connections anyway; ten seconds is what `docker stop` gives of its own accord.

    Valkey, which writes nothing, has half of that, as LiteLLM has after its drain.
    """
    graph = deploy("prod", **HTTP, replicas=2)
    roles = ("front", "egress", "acme", "valkey")
    grace = {role: graph.container(role).inputs["destroyGraceSeconds"] for role in roles}
    assert grace == {"front": 1, "egress": 10, "acme": 10, "valkey": 5}


def test_a_managed_ca_outlives_its_certificates_by_years(deploy: Deploy) -> None:
    """Clients hold it: ten years, as RFC 5280 bounds nothing, and CA/Browser Forum's roots are made for longer."""
    graph = deploy("prod", tlsValidityHours=2160)
    (ca,) = graph.of("tls:index/selfSignedCert:SelfSignedCert")
    assert ca.inputs["validityPeriodHours"] == 10 * 365 * 24
    assert ca.inputs["earlyRenewalHours"] == 2160  # a certificate never outlives the CA that signed it
    assert (ca.inputs["isCaCertificate"], ca.inputs["setSubjectKeyId"]) == (True, True)  # RFC 5280, 4.2.1.9 and 4.2.1.2
    (issued,) = graph.of("tls:index/locallySignedCert:LocallySignedCert")
    assert issued.inputs["setSubjectKeyId"] is True
    assert not issued.inputs.get("isCaCertificate")


def test_litellms_writable_mounts_are_those_that_outlive_it(deploy: Deploy) -> None:
    mounts = deploy("prod", usageDays=1).container("litellm").inputs["volumes"]
    assert {mount["containerPath"]: mount["readOnly"] for mount in mounts} == {
        "/home/app/.claude": False,
        "/home/app/usage": False,
    }


def test_the_edge_is_dual_stack_for_any_ipv6_address(deploy: Deploy) -> None:
    def dual(*addresses: str) -> bool:
        networks = deploy("prod", bindAddresses=list(addresses), allowHost=False).of(NETWORK)
        return any(made.inputs["ipv6"] for made in networks)

    assert [dual("127.0.0.1"), dual("127.0.0.1", "::1"), dual("::1")] == [False, True, True]
