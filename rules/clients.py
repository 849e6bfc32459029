"""The clients of a stack: who may call besides the operator, which models, from where, and how much."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from rules.keys import rotation_fault
from rules.refusal import Refusal
from rules.setting_types import FIRST_GENERATION, Day, Generation, ModelName, Moment, Network, PreviousGeneration
from rules.sizes import ENVIRONMENT_BYTES

NAME = re.compile(r"[a-z](?:-?[a-z0-9]){0,31}")
RESERVED = frozenset({"master", "metrics"})
"""What the log calls whoever uses the master key, or that of the metrics."""
MISSING = "previousKeyRotation is not"


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # which Python counts as 0 and 1
        raise ValueError("must be a number, neither true nor false")  # noqa: TRY004 - pydantic passes a TypeError on
    return value


Limit = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(_number)]


def _client_name(value: str) -> str:
    if not NAME.fullmatch(value) or len(value) > 32:
        raise ValueError("must name a client in 1 to 32 lower-case letters, digits and single hyphens, a letter first")
    if value in RESERVED:
        raise ValueError(f"must not call a client {value}, because the log calls another key so")
    return value


ClientName = Annotated[str, AfterValidator(_client_name)]


class Client(BaseModel):
    """One client; what is not set has no limit of its own."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)

    models: Annotated[list[ModelName], Field(min_length=1)] | None = None
    cidrs: Annotated[list[Network], Field(min_length=1)] | None = None
    expires: Day | None = None
    """The last day, in UTC, on which the client's keys are accepted."""
    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    max_parallel: Limit | None = None
    key_rotation: Generation | None = None
    previous_key_rotation: PreviousGeneration | None = None
    previous_key_expires: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_alone(cls, found: Any) -> Any:
        """A name with nothing behind it is a client without limits."""
        return {} if found is None else found

    @model_validator(mode="after")
    def _rotation_is_complete(self) -> Self:
        found = rotation_fault(self.key_rotation, self.previous_key_rotation, self.previous_key_expires, MISSING)
        if found:
            raise ValueError(f"{found.setting} {found.words}")
        return self

    @property
    def generation(self) -> str:
        """What the key in force is called."""
        return self.key_rotation or FIRST_GENERATION

    @property
    def end(self) -> datetime | None:
        """The first moment at which no key of the client is accepted any more."""
        if self.expires == date.max:  # which some write for never, and which no day follows
            return datetime.max.replace(tzinfo=UTC)
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC) if self.expires else None

    def generations(self) -> dict[str, datetime | None]:
        """The generations of its key that are accepted, the current one first, and the end of each."""
        found = {self.generation: self.end}
        if self.previous_key_rotation and self.previous_key_expires:
            ends = (self.previous_key_expires, self.end or self.previous_key_expires)
            found[self.previous_key_rotation] = min(ends)
        return found


def fault(clients: Mapping[str, Client], models: Mapping[str, str], master_key_calls_models: bool) -> Refusal | None:
    """Returns what is wrong between the clients and the rest of the stack, or None."""
    known = {*models, *models.values()}
    for name, client in clients.items():
        for place, model in enumerate(client.models or ()):
            if model not in known:
                known_names = ", ".join(models)
                said = f"is {model}, which is none of the stack's models: {known_names}"
                return Refusal(f"clients.{name}.models[{place}]", said, example=next(iter(models)))
    if not (clients or master_key_calls_models):
        return Refusal("masterKeyCallsModels", "is false, but there are no clients: nobody could call a model")
    if size(clients) > ENVIRONMENT_BYTES:
        words = f"is too long to be handed to a container: at most {ENVIRONMENT_BYTES // 1024} KiB in all"
        return Refusal("clients", words)
    return None


def handed_over(clients: Mapping[str, Client], digests: Mapping[str, Sequence[str]]) -> str:
    """Returns what the LiteLLM container is told, as JSON (claude_gateway/config/clients.py reads it).

    :param digests: by client, SHA-256 in hexadecimal of each key of :meth:`Client.generations`, in its order.
    """
    told: dict[str, Any] = {}
    for name, client in clients.items():
        keys = [
            (digest, generation, end and end.isoformat())
            for digest, (generation, end) in zip(digests[name], client.generations().items(), strict=True)
        ]
        rules = client.model_dump(
            mode="json",
            by_alias=True,
            exclude_none=True,
            include={"models", "cidrs", "requests_per_minute", "tokens_per_minute", "max_parallel"},
        )
        told[name] = {"keys": keys, **rules}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def size(clients: Mapping[str, Client]) -> int:
    """Returns how many bytes :func:`handed_over` makes of ``clients``, before their keys exist."""
    return len(handed_over(clients, {name: ["0" * 64] * len(client.generations()) for name, client in clients.items()}))
