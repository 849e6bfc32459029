"""The keys of the stack's clients: made here, exported to the operator, and handed to LiteLLM as digests alone."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pulumi

from components.deployment import Deployment
from components.generated_key import day_of, generated_key, key_of, random_digits
from rules.clients import Client, handed_over


class ClientKeys(pulumi.ComponentResource):
    """One key for each client and, while a rotation of it lasts, its previous one.

    A client that is removed from the settings loses its key; one that comes back gets a new one.
    """

    keys: pulumi.Output[dict[str, str]]
    """The current key of each client; secret."""
    described: pulumi.Output[dict[str, dict[str, Any]]]
    """Of each client what is no secret: the generation of its key, and when that was made."""
    environment: pulumi.Output[str]
    """What LiteLLM is told of the clients; a secret too, although it holds digests of random keys alone."""

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:ClientKeys", name, None, opts)
        clients = deployment.settings.clients
        made = {
            (client, generation): random_digits(f"{deployment.name}-client-{client}-key-{generation}", self)
            for client, rules in clients.items()
            for generation in rules.generations()
        }
        # All at once: Pulumi waits for outputs in a time that is quadratic in how many there are, and clients are many.
        digits = pulumi.Output.all(*(one.result for one in made.values()))
        known = digits.apply(lambda values: dict(zip(made, map(key_of, values), strict=True)))
        self.keys = pulumi.Output.secret(
            known.apply(lambda keys: {name: keys[name, rules.generation] for name, rules in clients.items()})
        )
        self.environment = pulumi.Output.secret(known.apply(lambda keys: handed_over(clients, _digests(keys))))
        self.described = pulumi.Output.all(
            *(made[client, rules.generation].keepers for client, rules in clients.items())
        ).apply(
            lambda keepers: {
                client: {"generation": rules.generation, "created": day_of(of_its_key)}
                for (client, rules), of_its_key in zip(clients.items(), keepers, strict=True)
            }
        )
        for client, rules in clients.items():
            self._warn_if_expired(client, rules)
        self.register_outputs({})

    def _warn_if_expired(self, client: str, rules: Client) -> None:
        if rules.end and rules.end <= datetime.now(UTC):
            pulumi.log.warn(
                f"the client {client} expired on {rules.expires} and is refused. Remove it, or set a later day: pulumi "
                f"config set --stack {pulumi.get_stack()} --path 'clients.{client}.expires' DATE",
                self,
            )


class MetricsKey(pulumi.ComponentResource):
    """The key with which Prometheus reads the metrics, and nothing else."""

    key: pulumi.Output[str]
    digest: pulumi.Output[str]
    """Its SHA-256 in hexadecimal, which is all that LiteLLM is told."""

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:MetricsKey", name, None, opts)
        self.key, _ = generated_key(f"{deployment.name}-metrics-key", self)
        self.digest = pulumi.Output.secret(self.key.apply(_digest))
        self.register_outputs({})


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _digests(keys: Mapping[tuple[str, str], str]) -> dict[str, list[str]]:
    """Returns the SHA-256 of each client's keys, in the order of their generations."""
    found: dict[str, list[str]] = {}
    for (client, _), key in keys.items():
        found.setdefault(client, []).append(_digest(key))
    return found
