"""The keys of the stack's clients: made here, exported to the operator, and handed to LiteLLM as digests alone."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pulumi

from components.generated_key import generated_key
from components.stack import Deployment
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
            client: [generated_key(f"{deployment.name}-client-{client}-key-{g}", self) for g in rules.generations()]
            for client, rules in clients.items()
        }
        self.keys = pulumi.Output.secret(pulumi.Output.all(**{client: keys[0][0] for client, keys in made.items()}))
        self.described = pulumi.Output.all(
            **{client: keys[0][1].apply(_description(clients[client])) for client, keys in made.items()}
        )
        digests = pulumi.Output.all(
            **{client: pulumi.Output.all(*(key.apply(_digest) for key, _ in keys)) for client, keys in made.items()}
        )
        self.environment = pulumi.Output.secret(digests.apply(lambda known: handed_over(clients, known)))
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


def _description(rules: Client) -> Any:
    return lambda created: {"generation": rules.generation, "created": created}
