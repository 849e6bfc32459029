"""What is recorded only when a hook has let it: the hook runs before, and nothing is when it fails."""

from collections.abc import Iterable

import pulumi


def gated(
    hook: pulumi.ResourceHook, watched: Iterable[pulumi.Resource], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Returns the options of a component that comes after ``watched``, and before which ``hook`` runs."""
    return pulumi.ResourceOptions.merge(
        opts,
        pulumi.ResourceOptions(
            depends_on=list(watched),
            hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
        ),
    )
