"""What changes on a running swarm costs no request."""

import pytest

from tests.swarm.bed import Bed, published

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]

REQUESTS = 1000


def test_a_rotation_loses_no_request_and_both_keys_count_until_the_old_one_is_retired(bed: Bed) -> None:
    old = bed.stack.output("master_key")
    with bed.load(bed.swarm.nodes, old, REQUESTS) as load:
        bed.operations.rotate("--overlap", "1h")
    new = bed.stack.output("master_key")
    assert new != old
    bed.figures.append(f"rotation: {load.described()}")
    assert len(load.requests) >= REQUESTS
    assert load.failed() == {}
    assert [bed.ask(node, new) for node in bed.swarm.nodes] == [200] * 3
    bed.operations.retire()
    assert [bed.ask(node, old) for node in bed.swarm.nodes] == [401] * 3
    assert [bed.ask(node, new) for node in bed.swarm.nodes] == [200] * 3
    assert bed.stack.changes() == {}


def test_new_images_of_what_serves_lose_no_request(bed: Bed) -> None:
    changed = {"litellm": "app/claude_gateway/front/app.py", "gateway": "haproxy.cfg", "egress": "squid.conf"}
    before = {role: bed.image(role) for role in changed}
    images = bed.stack.project / "images"
    for role, file in changed.items():
        path = images / role / file
        path.write_text(path.read_text() + "# another release\n")
    bed.stack.set(**published(bed.swarm, changed, images))
    with bed.load(bed.swarm.nodes, bed.key("many"), REQUESTS) as load:
        bed.operations.up()
    bed.figures.append(f"new images: {load.described()}")
    assert len(load.requests) >= REQUESTS
    assert load.failed() == {}
    assert all(bed.image(role) != image for role, image in before.items())
    assert bed.stack.changes() == {}
