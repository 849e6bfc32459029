"""Two thousand connections to a production stack, from outside its allow-list and from inside: others are served."""

import subprocess
import sys
import time

import pytest

from testbed.deployment import Deployment
from testbed.hosts import Host, ip

pytestmark = pytest.mark.faults
CONNECTIONS = 2000
LONGEST_SECONDS = 2.0
FLOOD = """
import resource, selectors, socket, sys, time
address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
held = []
for _ in range(count):
    one = socket.socket()
    one.setblocking(False)
    one.bind((sys.argv[4], 0))
    one.connect_ex((address, port))
    held.append(one)
print("open", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_a_flood_starves_nobody_else(
    prod: Deployment, friend: Host, stranger: Host, authority: str, inside: bool
) -> None:
    """From inside it comes from another address of the allowed network."""
    attacker = friend if inside else stranger
    source = friend.address.removesuffix(".2") + ".3" if inside else stranger.address
    if inside:
        ip("-n", friend.name, "addr", "add", f"{source}/24", "dev", friend.device)
    port = str(prod.output("url")).rpartition(":")[2]
    command = [sys.executable, "-c", FLOOD, attacker.machine, port, str(CONNECTIONS), source]
    restarts = prod.inspect("gateway")["RestartCount"]
    key = f"Authorization: Bearer {prod.output('master_key')}"
    with subprocess.Popen(["ip", "netns", "exec", attacker.name, *command], stdout=subprocess.PIPE, text=True) as flood:
        try:
            assert flood.stdout is not None
            assert flood.stdout.readline().strip() == "open"
            for _ in range(20):
                began = time.monotonic()
                options = ("--cacert", authority, "--interface", friend.address, "-H", key)
                assert friend.curl(f"{prod.output('url')}/v1/models", *options) == "200"
                assert time.monotonic() - began < LONGEST_SECONDS
        finally:
            flood.kill()
    assert prod.inspect("gateway")["RestartCount"] == restarts
    assert prod.call("/v1/models").status == 200
