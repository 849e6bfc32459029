"""The master key: where it comes from, which generation it is, and which one is still accepted beside it."""

from datetime import UTC, date, datetime
from enum import StrEnum

import pulumi

from components.deployment import Deployment
from components.generated_key import generated_key
from rules.keys import DEVELOPMENT_KEY
from rules.setting_types import CONFIGURED, FIRST_GENERATION, PREVIOUS
from rules.settings import Settings


class KeySource(StrEnum):
    """Where a stack's master key comes from."""

    DEVELOPMENT = "development default"
    CONFIGURED = "configured"
    GENERATED = "generated"


def source_of(settings: Settings) -> KeySource:
    """Returns where the key comes from; no variable of the operator's shell plays a part.

    ============  ===========  =============  ==================
    environment   masterKey    keyRotation    source
    ============  ===========  =============  ==================
    any           set          any            configured
    production    not set      any            generated
    development   not set      set            generated
    development   not set      not set        development default
    ============  ===========  =============  ==================
    """
    if settings.master_key:
        return KeySource.CONFIGURED
    return KeySource.GENERATED if settings.production or settings.key_rotation else KeySource.DEVELOPMENT


class MasterKey(pulumi.ComponentResource):
    """The current key and, while a rotation lasts, the previous one.

    Each generation is a resource of its own: moving on keeps the previous one as it is and makes a new one; a later
    update, which no longer names it, deletes the old one.
    """

    source: KeySource
    current: pulumi.Output[str]
    generation: str
    created: pulumi.Output[str | None]
    """ISO date on which the current key was made, as far as it is known."""
    previous: pulumi.Output[str] | None = None
    previous_generation: str | None = None

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:MasterKey", name, None, opts)
        settings = deployment.settings
        self.source = source_of(settings)
        self._prefix = deployment.name
        rotation, stack = settings.key_rotation, pulumi.get_stack()
        if settings.master_key:
            self.current = pulumi.Output.secret(settings.master_key.get_secret_value())
            self.generation = rotation or CONFIGURED
            self.created = pulumi.Output.from_input(rotation and rotation.partition(".")[0])
        elif self.source is KeySource.GENERATED:
            self.generation = rotation or FIRST_GENERATION
            self.current, self.created = self._generate(self.generation)
        else:
            self.current = pulumi.Output.secret(DEVELOPMENT_KEY)
            self.generation = "development"
            self.created = pulumi.Output.from_input(None)
            pulumi.log.warn(
                "the master key is the well-known development key, good for this machine alone. Set one with: "
                f"printf 'sk-%s' \"$(openssl rand -hex 32)\" | pulumi config set --secret masterKey --stack {stack}",
                self,
            )
        if settings.previous_master_key:
            self.previous = pulumi.Output.secret(settings.previous_master_key.get_secret_value())
            self.previous_generation = settings.previous_key_rotation or PREVIOUS
        elif settings.previous_key_rotation:
            self.previous_generation = settings.previous_key_rotation
            self.previous, _ = self._generate(settings.previous_key_rotation)
        self.created.apply(lambda created: self._warn_if_overdue(created, settings.key_max_age_days))
        self.register_outputs({"source": self.source.value, "generation": self.generation})

    def _generate(self, generation: str) -> tuple[pulumi.Output[str], pulumi.Output[str | None]]:
        return generated_key(f"{self._prefix}-master-key-{generation}", self)

    def _warn_if_overdue(self, created: str | None, maximum_days: int) -> None:
        """Warns when the key is older than ``keyMaxAgeDays`` (NIST SP 800-57 part 1, 5.3: keys have a cryptoperiod)."""
        if created is None:
            return
        overdue = (datetime.now(UTC).date() - date.fromisoformat(created)).days - maximum_days
        if overdue > 0:
            pulumi.log.warn(
                f"the master key is {overdue} days overdue (made on {created}, keyMaxAgeDays is {maximum_days}). "
                f"Rotate it with: make rotate STACK={pulumi.get_stack()}",
                self,
            )
