"""What changes on a running swarm costs no request."""

import contextlib
import http.client
import re
from collections import Counter
from contextlib import closing

import pytest

from tests.swarm.bed import ASKED, Bed, asked, published, until
from tests.swarm.load import load, streams

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]

REQUESTS = 1000
REFUSED = {401, 429}
"""As no valid key, and as one wrong key too many of a source in a minute."""


def test_a_rotation_loses_no_request_and_both_keys_count_until_the_old_one_is_retired(bed: Bed) -> None:
    old = bed.stack.output("master_key")
    with load(bed, bed.swarm.nodes, old, REQUESTS) as seen:
        bed.operations.rotate("--overlap", "1h")
    new = bed.stack.output("master_key")
    assert new != old
    bed.figures.append(f"rotation: {seen.described()}")
    assert len(seen.requests) >= REQUESTS
    assert seen.failed() == {}
    assert [bed.ask(node, new) for node in bed.swarm.nodes] == [200] * 3
    bed.operations.retire()
    assert [bed.ask(node, old) for node in bed.swarm.nodes] == [401] * 3
    assert [bed.ask(node, new) for node in bed.swarm.nodes] == [200] * 3
    assert bed.stack.changes() == {}


def test_an_emergency_leaves_no_task_that_takes_the_old_key(bed: Bed) -> None:
    old = bed.stack.output("master_key")
    endless = {**ASKED, "stream": True, "messages": [{"role": "user", "content": "FAKE:slow:5"}]}
    with contextlib.ExitStack() as opened:
        kept, streams = ([opened.enter_context(closing(bed.connection(n))) for n in bed.swarm.nodes] for _ in range(2))
        for connection in kept:
            answer = asked(connection, old)
            assert (answer.status, bool(answer.read())) == (200, True)
        begun = [asked(connection, old, endless) for connection in streams]
        assert [answer.status for answer in begun] == [200] * 3
        printed = bed.operations.rotate("--emergency")
        assert not [one for one in bed.tasks("litellm", "shutdown") if one["CurrentState"].startswith("Running")]
        for answer in begun:
            with pytest.raises((http.client.HTTPException, OSError)):
                answer.read()
        for connection in kept:
            with contextlib.suppress(OSError, http.client.HTTPException):
                assert asked(connection, old).status in REFUSED
    assert {bed.ask(node, old) for _ in range(5) for node in bed.swarm.nodes} <= REFUSED
    assert "old key    refused" in printed
    new = bed.stack.output("master_key")
    assert [bed.ask(node, new) for node in bed.swarm.nodes] == [200] * 3
    assert bed.stack.changes() == {}


def test_new_images_of_what_serves_lose_no_request_and_cut_no_stream(bed: Bed) -> None:
    changed = {"litellm": "app/claude_gateway/api/app.py", "gateway": "haproxy.cfg"}
    before = {role: bed.image(role) for role in (*changed, "egress")}
    images = bed.stack.project / "images"
    for role, file in changed.items():
        path = images / role / file
        path.write_text(path.read_text() + "# another release\n")
    bed.stack.set(**published(bed.swarm, changed, images))
    bed.build("egress", before["egress"])
    many = bed.key("many")
    with load(bed, bed.swarm.nodes, many, REQUESTS) as seen, streams(bed, many) as ended:
        bed.stack.up()  # what `pulumi up` does by itself: nothing of make's is needed to build, push and wait
    bed.figures.append(f"new images: {seen.described()}; streams: {dict(Counter(ended))}")
    assert len(seen.requests) >= REQUESTS
    assert seen.failed() == {}
    assert set(ended) == {"whole"}
    assert all(bed.image(role) != image for role, image in before.items())
    assert bed.stack.changes() == {}


def test_an_image_that_the_stack_builds_is_pulled_by_all_nodes_from_the_registry_by_its_digest(bed: Bed) -> None:
    image = bed.image("egress")
    assert re.fullmatch(rf"{bed.swarm.registry}/litellm-claude/egress@sha256:[0-9a-f]{{64}}", image)
    assert bed.built("egress") == ["another"] * 3
    shown = bed.stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_a_release_that_does_not_start_is_taken_back_by_the_swarm_and_costs_nothing(bed: Bed) -> None:
    before = bed.image("litellm")
    images = bed.stack.project / "images"
    server = images / "litellm" / "app" / "claude_gateway" / "start" / "server.py"
    text = server.read_text()
    server.write_text("raise SystemExit('broken on purpose')\n")
    bed.stack.set(**published(bed.swarm, ["litellm"], images))
    server.write_text(text)
    with load(bed, bed.swarm.nodes, bed.key("many")) as seen:
        printed = bed.operations.up(status=1)
    bed.figures.append(f"broken release: {seen.described()}")
    assert seen.failed() == {}
    assert "rollback" in printed or "went back" in printed
    until(lambda: bed.image("litellm") == before and bed.running("litellm") == 2)
    bed.stack.set(litellmImage=before)
    bed.operations.up()
    assert bed.stack.changes() == {}
    bed.settled()
