"""Which containers count as a stack's, or as somebody's beside it."""

from dataclasses import replace
from typing import Any

import pytest

from posture import running
from tests.unit.posture.conftest import IMAGE, Make
from tests.unit.posture.test_checks import status
from tests.unit.posture.test_looks import Told


def inspected(
    identifier: str,
    *,
    label: str = "",
    networks: tuple[str, ...] = ("net",),
    host: dict[str, Any] | None = None,
    mounts: tuple[dict[str, str], ...] = (),
) -> dict[str, Any]:
    """A container as Docker 20.10 and 28 tell it, each field that nobody set as null, absent or empty."""
    return {
        "Id": identifier,
        "Name": f"/name-of-{identifier}",
        "Image": IMAGE,
        "Config": {"Labels": {label: "x"} if label else None},
        "HostConfig": {"PidMode": "", "AutoRemove": False, **(host or {})},
        "NetworkSettings": {"Networks": {name: {} for name in networks}},
        "Mounts": list(mounts),
    }


@pytest.mark.parametrize(("complete", "found"), [(True, {"id-gateway", "stranger", "beside"}), (False, {"id-gateway"})])
def test_while_an_update_is_under_way_only_declared_containers_count(
    make: Make, complete: bool, found: set[str]
) -> None:
    declared = replace(make().declaration, complete=complete, networks={"edge": {"name": "net"}})
    there = [inspected(name) for name in ("id-gateway", "stranger", "beside")]
    probe = inspected("probe", label=running.PROBE, host={"AutoRemove": True})
    engine = Told(
        {"label=litellm-claude.stack=litellm-claude-test": "stranger id-gateway", "network=net": "beside\nprobe\n"},
        {
            "container": [*there, probe],
            "network": [{"Name": "net", "Internal": True}],
            "volume": [{"Name": "volume"}],
            "image": [{"Id": IMAGE}],
        },
    )
    seen = running.read(declared, engine)
    assert {one["Id"] for one in seen.containers} == found
    assert seen.networks == {"net": {"Name": "net", "Internal": True}}
    assert seen.images == {IMAGE: {"Id": IMAGE}}
    assert (seen.volume, seen.engine) == ({"Name": "volume"}, {"Name": "engine"})
    assert running.read(declared, Told({}, {})).volume is None


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        (inspected("x", host={"NetworkMode": "container:id-gateway"}), True),
        (inspected("x", host={"NetworkMode": "container:name-of-id-gateway"}), True),
        (inspected("x", host={"PidMode": "container:id-gateway"}), True),
        (inspected("x", host={"IpcMode": "container:id-gateway"}), True),
        (inspected("x", mounts=({"Type": "volume", "Name": "certificates"},)), True),
        (inspected("x", mounts=({"Type": "bind", "Source": "/etc"}, {"Type": "volume", "Name": "volume"})), False),
        (inspected("x", host={"NetworkMode": "container:other", "IpcMode": "shareable"}), False),
    ],
)
def test_who_is_in_a_namespace_or_on_a_volume_of_the_stack_is_seen(
    make: Make, found: dict[str, Any], *, seen: bool
) -> None:
    """On no network of the stack, and without its label, so that none of docker's filters finds it."""
    declared = make().declaration
    gateway = declared.containers["gateway"]
    inputs = {**gateway.inputs, "volumes": [{"volumeName": "certificates"}, {"volumeName": "volume"}]}
    declared = replace(declared, containers={"gateway": replace(gateway, inputs=inputs)})
    engine = Told({"ps --all --quiet --no-trunc": "x id-gateway"}, {"container": [inspected("id-gateway"), found]})
    engine.answers = {"--filter": "", **engine.answers}
    assert ("x" in {one["Id"] for one in running.read(declared, engine).containers}) is seen


@pytest.mark.parametrize(
    ("networks", "host", "hidden"),
    [(("edge",), {"AutoRemove": True}, True), (("edge",), {}, False), (("edge", "door"), {"AutoRemove": True}, False)],
)
def test_the_probes_label_alone_hides_nobody(networks: tuple[str, ...], host: dict[str, Any], *, hidden: bool) -> None:
    found = inspected("x", label=running.PROBE, networks=networks, host=host)
    assert running.is_probe(found, "edge") is hidden


@pytest.mark.parametrize(("rights", "expected"), [({"RW": False}, "pass"), ({"RW": True}, "fail"), ({}, "fail")])
def test_a_volume_that_was_declared_for_reading_cannot_be_written(
    make: Make, rights: dict[str, bool], expected: str
) -> None:
    """As the gateway has the certificates by ACME."""
    mount = {"Type": "volume", "Name": "x", "Destination": "/x", **rights}
    context: Any = make(lambda found: found["egress"].update(Mounts=[mount]))
    volumes = [{"volumeName": "x", "containerPath": "/x", "readOnly": True}]
    context.declared("egress").inputs["volumes"] = volumes
    assert status(context, "drift.mounts") == expected
