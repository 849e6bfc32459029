"""How Pulumi waits for what the program has declared."""

import asyncio


async def begun() -> None:
    """Lets Pulumi begin to register everything, before it waits; ``pulumi.run`` awaits this after the program.

    At its end Pulumi waits for one resource after another, but only for those whose registration has begun, and none
    has while the program runs. Then it waits for all outputs, again and again for any of them, in a time that is
    quadratic in how many there are (pulumi/runtime/stack.py, wait_for_rpcs): 500 clients have 8,600.
    """
    await asyncio.sleep(0)
