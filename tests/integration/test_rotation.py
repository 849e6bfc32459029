"""Rotations of one real stack, as an operator would make them."""

import http.client
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from testbed.deployment import docker
from testbed.hosts import Internet
from tests.integration.rotation import (
    Bed,
    ask_inside,
    load,
    refreshes,
    requests_all_the_while,
    rotation_bed,
    twin,
    write_login,
)

PORT = 14660
CONFIGURED = f"sk-{secrets.token_hex(32)}"


@pytest.fixture(scope="module")
def bed(net: Internet) -> Iterator[Bed]:
    """The stack, with a configured key at first."""
    with rotation_bed(net, CONFIGURED, PORT) as made:
        yield made


def test_a_configured_key_is_rotated_without_a_lost_request(bed: Bed) -> None:
    others = bed.stack.there("gateway"), bed.stack.there("egress")
    with requests_all_the_while(bed, CONFIGURED) as statuses:
        printed = bed.operations.rotate("--overlap", "24h")
    assert set(statuses) == {200}
    assert len(statuses) > 50
    key = bed.learn_key()
    assert key != CONFIGURED
    assert [bed.status(key), bed.status(CONFIGURED)] == [200, 200]
    assert (bed.stack.there("gateway"), bed.stack.there("egress")) == others
    assert bed.nothing_to_do()
    (gateway,), (container,) = others[0], bed.stack.there("litellm")
    who = '"key_generation": "previous"'
    for words in ("output NAME=master_key", "accepted until 20", "make retire STACK=", f"logs SINCE=1h | grep '{who}'"):
        assert words in printed
    logged = bed.operations.finish(bed.operations.start(sys.executable, "-m", "ops.logs", bed.stack.name, "--since=1h"))
    assert who in logged.partition(f"==> gateway ({gateway}) <==")[2]
    assert "generation previous in use" in docker("logs", container)
    assert "x-key-generation" not in bed.call(key).headers


@pytest.mark.goes_on_from("test_a_configured_key_is_rotated_without_a_lost_request")
def test_a_second_rotation_within_the_overlap_is_refused(bed: Bed) -> None:
    before = bed.settings()
    assert "a rotation is under way: the previous key is accepted until" in bed.operations.rotate(status=1)
    assert bed.settings() == before


@pytest.mark.goes_on_from("test_a_configured_key_is_rotated_without_a_lost_request")
def test_a_retired_key_is_refused(bed: Bed) -> None:
    bed.operations.retire()
    assert [bed.status(bed.keys[-1]), bed.status(CONFIGURED)] == [200, 401]
    assert "nothing to do" in bed.operations.retire()


CLOCK = """
import datetime
import claude_gateway.api.keys as keys

class Shifted(datetime.datetime):
    @classmethod
    def now(cls, zone):
        try:
            seconds = float(open("/tmp/clock").read())
        except OSError:
            seconds = 0
        return super().now(zone) + datetime.timedelta(seconds=seconds)

keys.datetime = Shifted
"""


@pytest.mark.goes_on_from("test_a_retired_key_is_refused")
def test_a_previous_key_expires_without_an_update(bed: Bed, tmp_path: Path) -> None:
    """From here on the keys are generated: the configured one gives way to the first of them.

    Nobody waits for the end: a container like the stack's own asks a clock that can be set.
    """
    bed.stack.set(masterKey=None, keyRotation=None)
    bed.operations.up()
    initial = bed.learn_key()
    bed.operations.rotate("--overlap", "1h")
    key = bed.learn_key()
    assert bed.settings()["previousKeyRotation"] == "initial"
    expires = datetime.fromisoformat(bed.settings()["previousKeyExpires"]).timestamp()
    assert [bed.status(initial), bed.status(key)] == [200, 200]
    tmp_path.chmod(0o755)
    (tmp_path / "shifted_clock.py").write_text(CLOCK)
    (tmp_path / "zz_shifted_clock.pth").write_text("import shifted_clock\n")
    (container,) = bed.stack.there("litellm")
    purelib = docker("exec", container, "python3", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    volumes = [f"--volume={path}:{purelib}/{path.name}:ro" for path in tmp_path.iterdir()]
    with twin(container, *volumes) as jumping:
        for shift, old in ((0, "200"), (expires - time.time() + 1, "401"), (-7200, "200")):
            docker("exec", jumping, "sh", "-c", f"echo {shift} > /tmp/clock")
            assert ask_inside(jumping, key) == "200"
            assert old in ask_inside(jumping, initial)
    log = docker("logs", container)
    assert "generation initial in use" in log
    assert initial not in log
    bed.operations.retire()


@pytest.mark.goes_on_from("test_a_previous_key_expires_without_an_update")
def test_a_failed_rotation_leaves_everything_as_it_was(bed: Bed) -> None:
    before, there = bed.settings(), bed.stack.there("litellm")
    component = bed.stack.project / "components" / "litellm.py"
    good = component.read_text()
    # A container that refuses to start, and an update that does not wait long for it.
    bad = good.replace("settings.log_level.value", '"nonsense"').replace("start_seconds=120", "start_seconds=6")
    component.write_text(bad)
    try:
        with requests_all_the_while(bed, bed.keys[-1]) as statuses:
            printed = bed.operations.rotate("--overlap", "1h", status=1)
    finally:
        component.write_text(good)
    assert "nothing changed" in printed
    assert "LOG_LEVEL is 'nonsense'" in printed
    assert set(statuses) == {200}
    assert bed.settings() == before
    assert bed.stack.there("litellm") == there
    # What is left is the key that nobody uses: the next update deletes it.
    assert bed.stack.changes() == {"delete": 1}


@pytest.mark.goes_on_from("test_a_previous_key_expires_without_an_update")
def test_a_killed_rotation_is_finished_by_the_next_up(bed: Bed) -> None:
    old = bed.keys[-1]
    there = bed.stack.there("litellm")
    rotation = bed.operations.starting_rotation("--overlap", "1h")
    deadline = time.time() + 60
    while bed.stack.there("litellm") == there and time.time() < deadline:
        time.sleep(0.2)
    os.killpg(rotation.pid, signal.SIGKILL)
    rotation.communicate()
    assert len(bed.stack.there("litellm")) == 2
    assert bed.status(old) == 200
    with requests_all_the_while(bed, old) as statuses:
        bed.operations.up()
    assert set(statuses) == {200}
    key = bed.learn_key()
    assert key != old
    assert [bed.status(old), bed.status(key)] == [200, 200]
    assert len(bed.stack.there("litellm")) == 1
    assert bed.nothing_to_do()


@pytest.mark.goes_on_from("test_a_previous_key_expires_without_an_update")
def test_a_new_allow_list_and_certificate_lose_no_request_and_cut_no_stream(bed: Bed) -> None:
    key, before = bed.keys[-1], bed.stack.there("gateway")
    serial = bed.serial()
    bed.stack.set(allowedCidrs=["10.9.0.0/16"], tlsValidityHours=2000)
    with load(bed, key) as seen:
        time.sleep(2)  # the streams have begun
        bed.operations.up()
    assert bed.stack.there("gateway") != before
    assert bed.serial() != serial
    assert {kind: set(found) for kind, found in seen.items()} == {"new": {200}, "kept": {200}, "stream": {"whole"}}
    assert len(seen["new"]) > 50
    assert len(seen["kept"]) > 50
    assert len(seen["stream"]) >= 4
    assert bed.nothing_to_do()


@pytest.mark.goes_on_from("test_a_previous_key_expires_without_an_update")
def test_two_containers_on_one_expired_login_refresh_it_once(bed: Bed, net: Internet) -> None:
    """While a rotation lasts they share the login. A refresh token works once, so two refreshes would log it out."""
    write_login(bed, expires_in=-60)
    before = refreshes(net)
    (first,) = bed.stack.there("litellm")
    with twin(first) as second, ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda name: ask_inside(name, bed.keys[-1]), (first, second)))
    assert answers == ["200", "200"]
    assert refreshes(net) - before == 1


@pytest.mark.goes_on_from("test_a_killed_rotation_is_finished_by_the_next_up")
def test_an_emergency_refuses_every_old_key_and_cuts_their_streams(bed: Bed) -> None:
    """It is allowed within an overlap, too."""
    old = bed.keys[-2:]
    (container,) = bed.stack.there("litellm")
    body = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "FAKE:slow:2"}]}
    stream = bed.call(old[0], body)
    assert stream.status == 200
    assert stream.readline().startswith(b"data:")
    printed = bed.operations.rotate("--emergency")
    assert [bed.status(key) for key in old] == [401, 401]
    with pytest.raises((http.client.IncompleteRead, OSError)):
        stream.read()
    assert "old key    refused" in printed
    assert bed.status(bed.learn_key()) == 200
    assert container not in bed.stack.there("litellm")
    assert len(bed.stack.there("litellm")) == 1
    assert bed.nothing_to_do()


@pytest.mark.goes_on_from("test_an_emergency_refuses_every_old_key_and_cuts_their_streams")
def test_no_key_was_ever_printed_or_left_in_a_file(bed: Bed) -> None:
    printed = "".join(bed.stack.printed)
    # os.walk does not follow links: .venv is one.
    paths = [Path(folder) / name for folder, _, names in os.walk(bed.stack.folder) for name in names]
    contents = b"".join(path.read_bytes() for path in paths)
    assert len(set(bed.keys)) == len(bed.keys) >= 6
    for key in bed.keys:
        assert key not in printed
        assert key.removeprefix("sk-").encode() not in contents
