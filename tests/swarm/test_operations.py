"""What `make verify`, `make usage`, `make clients` and `make logs` tell of a stack on a swarm."""

import json
import sys

import pytest

from testbed.swarm import encrypts, kernel
from tests.swarm.bed import ROLES, Bed
from tests.swarm.conftest import FEW

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]


def python(bed: Bed, *command: str) -> str:
    return bed.operations.finish(bed.operations.start(sys.executable, "-m", *command))


def test_it_is_as_secure_as_declared(bed: Bed) -> None:
    found = {
        one["id"]: one for one in json.loads(python(bed, "posture", "--stack", bed.stack.name, "--json"))["findings"]
    }
    assert [one for one in found.values() if one["status"] == "fail"] == []
    assert {found[f"swarm.{name}"]["status"] for name in ("tasks", "containers", "nodes", "sources", "secrets")} == {
        "pass"
    }
    assert found["swarm.encrypted"]["status"] == ("pass" if encrypts(kernel()) else "warn")
    assert {found[f"cis.{item}"]["status"] for item in ("5.19", "5.26", "5.29")} == {"pass"}, "as daemon.json says"


def test_usage_is_that_of_all_nodes(bed: Bed) -> None:
    before = json.loads(python(bed, "ops.usage", bed.stack.name, "--json"))["usage"].get("many", {"requests": 0})
    assert [bed.ask(node, bed.key("many")) for node in bed.swarm.nodes * 4] == [200] * 12
    after = json.loads(python(bed, "ops.usage", bed.stack.name, "--json"))["usage"]["many"]
    assert after["requests"] - before["requests"] == 12


def test_clients_are_those_of_the_settings_and_no_key_is_shown(bed: Bed) -> None:
    told = python(bed, "ops.clients", bed.stack.name)
    assert {line.split()[0] for line in told.splitlines()} == {"client", "few", "many"}
    assert f"{FEW} requests" in told
    assert bed.key("few") not in told


def test_logs_are_those_of_every_service(bed: Bed) -> None:
    shown = bed.operations.finish(bed.operations.start(sys.executable, "-m", "ops.logs", bed.stack.name))
    assert [line for line in shown.splitlines() if line.startswith("==> ")] == [
        f"==> {role} ({bed.service(role)}) <==" for role in sorted(ROLES)
    ]
