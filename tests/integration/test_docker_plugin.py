"""The Docker plugin in use, asked directly: where a program says nothing, it must decide as pulumi-docker 5.2.0 does.

That release marks a Container delete-before-replace (seen in its diffs), a Network and a Volume not. A plugin that
decides otherwise would hide a missing ``delete_before_replace`` in the program until someone runs it with the official
one. These tests hold for either plugin, whichever is installed.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

VERSION = "5.2.0"
URN = "urn:pulumi:test::test::docker:index/{0}::name"
AUTO_NAMED = {"__defaults": ["name"], "name": "name-1a2b3c4"}  # a name of one's own forces the deletion first


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


@pytest.fixture(scope="module")
def plugin() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    program = home / "plugins" / f"resource-docker-v{VERSION}" / "pulumi-resource-docker"
    with subprocess.Popen([program, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
                yield stub
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("kind", "old", "new", "deletes_first"),
    [
        ("container:Container", {"image": "debian", "envs": ["A=1"]}, {"image": "debian", "envs": ["A=2"]}, True),
        ("network:Network", {"driver": "bridge"}, {"driver": "macvlan"}, False),
        ("volume:Volume", {"driver": "local"}, {"driver": "other"}, False),
    ],
)
def test_what_is_deleted_first_is_what_the_official_plugin_deletes_first(
    plugin: provider_pb2_grpc.ResourceProviderStub,
    kind: str,
    old: dict[str, Any],
    new: dict[str, Any],
    deletes_first: bool,
) -> None:
    request = provider_pb2.DiffRequest(
        id="id", urn=URN.format(kind), olds=struct({**AUTO_NAMED, **old}), news=struct({**AUTO_NAMED, **new})
    )
    answer = plugin.Diff(request)
    assert answer.replaces
    assert answer.deleteBeforeReplace is deletes_first
