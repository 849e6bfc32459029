"""The fast subset of the checks as a Pulumi resource hook: it runs inside ``pulumi up`` and can stop it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi

from posture import acme
from posture.context import Context
from posture.declaration import Declaration, DeclaredContainer
from posture.engine import EngineError
from posture.model import REGISTRY
from posture.run import examine
from posture.secrets import SECRET_VARIABLES, without_public
from rules.settings import Settings

NO_CERTIFICATE = "{problem}. Correct that, then: make up STACK={stack} (what it did: make logs STACK={stack})"
PATIENCE = 10.0
"""Seconds that the gateway gets to find a LiteLLM that has just become healthy."""


def verifier(
    settings: Settings,
    containers: pulumi.Output[Mapping[str, Mapping[str, Any]]],
    networks: pulumi.Output[Mapping[str, str]],
    volume: pulumi.Output[str],
) -> Callable[[pulumi.ResourceHookArgs], Awaitable[None]]:
    """Returns the hook of the current stack; components/verification.py says what it is given."""
    stack = pulumi.get_stack()
    declared = pulumi.Output.all(containers, networks, volume)

    async def verify(_: pulumi.ResourceHookArgs) -> None:
        found = await declared.future()
        if found is None:
            raise RuntimeError("the declaration is not known")  # never in an update: hooks do not run in a preview
        await asyncio.to_thread(refuse_insecure, declaration_of(stack, settings, *found))

    return verify


def declaration_of(
    stack: str,
    settings: Settings,
    containers: Mapping[str, Mapping[str, Any]],
    networks: Mapping[str, str],
    volume: str,
) -> Declaration:
    """Builds what the fast checks need from the program's own outputs; the state is still being written."""
    declared = {role: DeclaredContainer(role, str(inputs["id"]), inputs) for role, inputs in containers.items()}
    environments = [container.environment for container in declared.values()]
    return Declaration(
        stack=stack,
        settings=settings,
        containers=declared,
        networks={role: {"name": name} for role, name in networks.items()},
        volume=volume,
        secrets=without_public(
            value for environment in environments for name, value in environment.items() if name in SECRET_VARIABLES
        ),
        complete=False,
    )


def refuse_insecure(declaration: Declaration) -> None:
    """Runs the fast checks.

    Raises:
        RuntimeError: when one of severity high fails, with each failure and the command that fixes it.
    """
    context = Context(declaration, Path.cwd(), os.environ)
    try:
        if declaration.settings.acme and (problem := acme.wait(declaration, context.engine)):
            raise RuntimeError(NO_CERTIFICATE.format(problem=problem, stack=declaration.stack))
        if not declaration.settings.verify_on_update:
            return
        context.edge.wait(PATIENCE)
        report = examine(context, [check for check in REGISTRY.values() if check.fast])
    except EngineError as error:
        raise RuntimeError(f"the running stack could not be checked: {error}") from None
    fatal = [finding for finding in report.findings if finding.fatal]
    if not fatal:
        pulumi.log.info(f"posture: {len(report.findings)} checks of the running stack in {report.seconds:.1f} s")
        return
    lines = [f"  {finding.check.id}: {finding.evidence}. Fix: {finding.check.remediation}" for finding in fatal]
    raise RuntimeError(
        "the updated stack is not secure:\n"
        + "\n".join(lines)
        + "\nNothing that was replaced is deleted before an update passes. "
        + f"All checks: make verify STACK={declaration.stack}"
    )
