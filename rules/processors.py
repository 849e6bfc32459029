"""Parts of a processor, as the engine counts them and as Pulumi's provider reads them back. Pure functions."""

BILLIONTHS = 10**9
DECIMALS = 9
"""The engine counts in billionths of a processor, and takes nothing in between."""


def as_read_back(processors: float) -> str:
    """Returns what the provider says of a container with so many: any other form shows as a change in every preview.

    Which would replace the container. The provider cuts zeros off the end, the dot stays (``10.``); but of a number in
    which nine zeros stand it says one decimal (``2.0``), whether that is all of it or not.
    """
    count = round(processors * BILLIONTHS)
    text = f"{count // BILLIONTHS}.{count % BILLIONTHS:0{DECIMALS}}"
    return f"{processors:.1f}" if text.count("0") == DECIMALS else text.rstrip("0")


def fault(processors: float) -> str | None:
    """Returns why a container cannot have so many, or None."""
    if round(processors, DECIMALS) != processors:
        return f"must have {DECIMALS} decimals at most"
    if float(said := as_read_back(processors)) != processors:
        return (
            f"must be another number: Pulumi's provider reads {processors:g} back as {said}, and would replace the "
            f"container at each update. {processors + 0.001:g} is near"
        )
    return None
