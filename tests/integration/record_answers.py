"""Records what engines answer to posture and ops: ``make record [ENGINES='own trixie']``, as root, some minutes.

For each engine (``own`` is this machine's, any other a suite of Debian's with containerd's image store) it brings up a
production and a development stack, asks what unit tests ask on the recordings, and writes tests/unit/recorded/.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ops import before_up, guests, preflight, presence, prune, reconcile, summary
from ops.state import State
from posture.declaration import parse
from posture.run import verify
from rules import pulumi_command
from rules.docker import Client
from testbed import scrubbing
from testbed.deployment import ROOT, Deployment, deployment, docker
from testbed.recording import FOLDER, Recording
from tests.integration.engines import SecondEngine, second_engine

PORT = 14680
ROLES = ("egress", "front", "gateway", "litellm")
SAID = ("url", "claude_auth", "litellm_container", "claude_auth_volume", "master_key_source")
"""Outputs that ops/summary.py reads, and that hold no secret."""
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "production": ("prod", {"hostname": "localhost", "allowedCidrs": ["192.0.2.0/24"], "allowHost": True}),
    "development": ("dev", {}),
}


@contextlib.contextmanager
def listening() -> Iterator[list[scrubbing.Call]]:
    """Collects what docker is asked, and what it answers."""
    calls: list[scrubbing.Call] = []
    asked, lock = Client.call, threading.Lock()

    def call(self: Client, *arguments: str, **options: Any) -> Any:
        done = asked(self, *arguments, **options)
        with lock:
            calls.append((arguments, done.returncode, done.stdout, done.stderr or ""))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "call", call)
        yield calls


def ask(stack: Deployment, state: State) -> None:
    """Asks all that unit tests ask on a recording; a new question is asked here, too."""
    verify(stack.name, stack.project, {**os.environ, **stack.environment})
    engine = state.engine()
    with contextlib.chdir(stack.project):
        presence.absent(state, engine)
        reconcile.strays(state, engine)
        guests.refuse(stack.name, state, engine)
        prune.images(stack.name, state, engine)
        before_up.held(state, engine)
        preflight.refuse(stack.name, engine, len(state.in_force("network")))
        summary.lacks_login(stack.outputs or {}, engine)


def shown(stack: Deployment, *command: str) -> Any:
    """Returns what pulumi prints as JSON."""
    environment = {**os.environ, **stack.environment}
    return json.loads(pulumi_command.output(*command, stack=stack.name, folder=stack.project, environment=environment))


def reduced(
    kind: str,
    stack: str,
    folders: Mapping[str, str],
    outputs: Mapping[str, Any],
    pulumi: tuple[dict[str, Any], dict[str, Any]],
    calls: list[scrubbing.Call],
) -> Recording:
    """Returns the recording of one stack, without secrets and what is this machine's."""
    state, config = pulumi
    secrets = sorted(parse(stack, state, config, "").secrets)
    version = next(json.loads(out)["Server"]["Version"] for asked, _, out, _ in calls if asked[0] == "version")
    short = ".".join(version.split(".")[:2])
    scrub = scrubbing.Scrubber(secrets, stack, folders)
    made = Recording(
        name=f"{short}-{kind}",
        engine=version,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        stack=scrubbing.STACK,
        outputs=scrub({name: outputs[name] for name in SAID if name in outputs}),
        state=scrub(scrubbing.state(state)),
        config=scrub({name: entry for name, entry in config.items() if entry["value"] != ""}),
        answers=scrub(scrubbing.answers(calls, stack)),
    )
    scrub.refuse(json.dumps(vars(made)))
    return made


def record(kind: str, engine: SecondEngine | None, images: Mapping[str, str]) -> None:
    """Brings up one stack, asks, and writes the recording."""
    base, settings = KINDS[kind]
    where = {"dockerHost": engine.url, "verifyOnUpdate": False} if engine else {}  # nothing is bound on this machine
    with deployment(base, port=PORT, **settings, **where, **images) as stack:
        stack.up()
        stack.set(verifyOnUpdate=None)
        (info,) = Client(engine.url if engine else None).objects("info", "--format", "{{json .}}")
        folders = {info["DockerRootDir"]: scrubbing.ROOT, str(stack.folder): "/stack"}
        folders |= {engine.url: "unix:///var/run/docker.sock"} if engine else {}
        pulumi = shown(stack, "stack", "export", "--show-secrets"), shown(stack, "config", "--json", "--show-secrets")
        state = State(stack.name, shown(stack, "stack", "export"))
        with listening() as calls:
            ask(stack, state)
        made = reduced(kind, stack.name, folders, stack.outputs or {}, pulumi, calls)
        made.save()
        sys.stdout.write(f"recorded {made.name} in {FOLDER.relative_to(ROOT)}\n")


@contextlib.contextmanager
def on(name: str) -> Iterator[tuple[SecondEngine | None, dict[str, str]]]:
    """Yields an engine, None for this machine's own, and settings that name the images which it cannot build."""
    if name == "own":
        yield None, {}
        return
    with second_engine(name, containerd=True) as engine:
        images = {}
        for role in ROLES:
            printed = docker("build", "--quiet", str(ROOT / "images" / role)).splitlines()
            built = next(line for line in printed if line.startswith("sha256:"))
            images[f"{role}Image"] = engine.copy_image(built, role)
        yield engine, images


def main(names: list[str]) -> None:
    """Records both kinds of stack on each engine."""
    for name in names or ["own", "trixie"]:
        with on(name) as (engine, images):
            for kind in KINDS:
                record(kind, engine, images)


if __name__ == "__main__":
    main(sys.argv[1:])
