"""One thing that an engine says of a stack, changed in a recording of what it said."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi

from rules.pulumi_types import CONTAINER
from testbed.recording import Recording

Tampering = Callable[[Recording], None]
EGRESS = "egress"
END = "-----END CERTIFICATE-----\n"


def put(place: dict[str, Any], path: str, value: Any) -> None:
    """Sets what stands at a dotted path; a function gets what stood there."""
    *parents, last = path.split(".")
    for parent in parents:
        place = place[parent]
    place[last] = value(place.get(last)) if callable(value) else value


def on_each(found: Iterable[dict[str, Any]], path: str, value: Any) -> None:
    """Sets it in each of what is found; a recording that has none of it is no subject."""
    objects = list(found)
    assert objects, f"the recording has nothing with {path}"
    for one in objects:
        put(one, path, value)


def container(path: str, value: Any, role: str = EGRESS) -> Tampering:
    """A field of the container that plays a role."""
    return lambda recording: on_each(recording.objects(role=role), path, value)


def variables(role: str, **values: str) -> Tampering:
    """Variables of a container, set or added."""

    def change(entries: list[str]) -> list[str]:
        kept = [entry for entry in entries if entry.partition("=")[0] not in values]
        return [*kept, *(f"{name}={value}" for name, value in values.items())]

    return container("Config.Env", change, role)


def secret_at(path: str, instead: Callable[[str], Any]) -> Tampering:
    """A field that holds the stack's key."""
    return lambda recording: container(path, instead(recording.declaration().key))(recording)


def another_certificate(recording: Recording) -> None:
    """The gateway was started with a certificate that the stack's CA has not signed: here its root."""
    variables("gateway", GATEWAY_TLS_CERTIFICATE=public_root())(recording)


def public_root() -> str:
    """A certificate of a CA that everybody knows."""
    pem = Path(certifi.where()).read_text(encoding="utf-8")
    return "-----BEGIN" + pem.partition("-----BEGIN")[2].partition("-----END CERTIFICATE-----")[0] + END


def made_anew(recording: Recording) -> None:
    """Somebody made the front anew by hand, and has not started it."""
    container("Id", "another", "front")(recording)
    container("State", {"Status": "created", "Running": False}, "front")(recording)


def joined(role: str, network_role: str) -> Tampering:
    """A container that was connected to another one of the stack's networks."""

    def change(recording: Recording) -> None:
        name = recording.declaration().networks[network_role]["name"]
        container("NetworkSettings.Networks", lambda on: {**on, name: {}}, role)(recording)

    return change


def image_of(role: str, other: str) -> Tampering:
    """A container that runs another one's image."""

    def change(recording: Recording) -> None:
        container("Image", next(recording.objects(role=other))["Image"], role)(recording)

    return change


def declared_image(recording: Recording) -> None:
    """The state names another image than the container runs."""
    for one in recording.state["deployment"]["resources"]:
        if one["urn"].endswith("-egress") and one["type"] == CONTAINER:
            one["inputs"]["image"] = "sha256:" + "b" * 64


def network(role: str, path: str, value: Any) -> Tampering:
    """A field of one of the stack's networks."""

    def change(recording: Recording) -> None:
        name = recording.declaration().networks[role]["name"]
        on_each((one for one in recording.objects() if one.get("Name") == name and "IPAM" in one), path, value)

    return change


def engine(path: str, value: Any) -> Tampering:
    """What the engine says of itself."""
    return lambda recording: on_each((one for one in recording.objects() if "SecurityOptions" in one), path, value)


def server(path: str, value: Any) -> Tampering:
    """What ``docker version`` says of the engine."""
    return lambda recording: on_each((one["Server"] for one in recording.objects() if "Server" in one), path, value)


def printed(*words: str, more: str) -> Tampering:
    """What a command printed, the one in which ``words`` stand: something more at its end."""

    def change(recording: Recording) -> None:
        answers = [one for one in recording.asked(*words) if isinstance(one["out"], str)]
        assert answers, f"the recording has no answer to {words}"
        for one in answers:
            one["out"] += more.format(key=recording.declaration().key)

    return change


def replaced(*words: str, by: str) -> Tampering:
    """What a command printed: something else in its place."""
    return lambda recording: on_each(recording.asked(*words), "out", by)


def inside(path: str, value: Any) -> Tampering:
    """What was seen from inside LiteLLM's container."""

    def change(recording: Recording) -> None:
        (answer,) = recording.asked("exec -i")
        told = json.loads(answer["out"])
        put(told, path, value)
        answer["out"] = json.dumps(told)

    return change


def login(recording: Recording, **more: Any) -> dict[str, Any]:
    """A login that lasts and renews itself."""
    end = (recording.now + timedelta(days=30)).timestamp()
    return {"uid": 10001, "gid": 10001, "mode": 0o600, "expires": end, "refreshable": True, "allowed": True, **more}


def logged_in(**more: Any) -> Tampering:
    """A login is in the volume."""
    return lambda recording: inside("login", login(recording, **more))(recording)


def later(days: int) -> Tampering:
    """So many days have passed."""

    def change(recording: Recording) -> None:
        recording.time = (recording.now + timedelta(days=days)).isoformat()

    return change
