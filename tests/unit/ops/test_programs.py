"""How pulumi and docker are run: shell scripts in their place tell what they were given."""

import json

import pytest

from ops import explain
from ops.commands import OperationError
from ops.engine import Engine
from rules.docker import Client
from tests.unit.conftest import Program


def test_a_preview_says_what_it_says_on_both_channels(program: Program) -> None:
    program("pulumi", 'echo "$*"; echo refused >&2; exit 255')
    assert explain.preview("prod") == "preview --stack prod --non-interactive --color never\nrefused\n"


def test_docker_is_told_the_engine_and_where_its_certificates_are(program: Program) -> None:
    program("docker", 'echo "$* $DOCKER_CERT_PATH $DOCKER_TLS_VERIFY"; cat; printf "\\377" >&2; exit 3')
    done = Client("ssh://far", "/certificates").call("ps", stdin="in")
    assert (done.returncode, done.stdout, done.stderr) == (3, "--host ssh://far ps /certificates 1\nin", "\ufffd")


@pytest.mark.parametrize(
    ("host", "local"), [("unix:///x", True), ("npipe:////./x", True), ("ssh://far", False), ("tcp://far:2376", False)]
)
def test_an_engine_behind_a_socket_is_this_machines(host: str, local: bool) -> None:
    assert Client(host).local is local


def test_the_end_of_a_log_is_ten_lines_and_of_one_that_is_gone_none(program: Program) -> None:
    program("docker", 'echo " $* "')
    assert Engine("unix:///x").log_tail("abc") == "--host unix:///x logs --tail 10 abc"
    program("docker", "echo half; exit 1")
    assert Engine().log_tail("abc") == ""


@pytest.mark.parametrize(("bindings", "publishes"), [({"8443/tcp": [{}]}, True), ({}, False), (None, False)])
def test_a_port_belongs_to_who_binds_it(program: Program, bindings: object, publishes: bool) -> None:
    program("docker", f"echo '{json.dumps({'HostConfig': {'PortBindings': bindings}})}'")
    assert Engine().publishes("abc") is publishes


def test_what_cannot_be_removed_is_said(program: Program) -> None:
    program("docker", "echo device is busy >&2; exit 1")
    with pytest.raises(OperationError, match=r"^docker rm failed: device is busy$"):
        Engine().remove("abc")
    Engine().kill("abc")  # one that has ended already is no error
