"""How the contract says no."""

from __future__ import annotations

from claude_gateway.printable import escaped

LONGEST = 60


class Rejection(Exception):  # noqa: N818 - an answer to the client, not a bug
    """A request that is not admitted.

    `status` is 400, 403, 404, 413 or 415; `message` is all that the client is told, the JSON path included; `param` is
    that path alone, such as `messages.0.content.1.type`; `code` is OpenAI's word for the kind of error.
    """

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


def wrong(path: str, what: str, *, status: int = 400, code: str | None = None) -> Rejection:
    """A rejection of what stands at `path`, in the words of `what`: "must be a string"."""
    return Rejection(status, f"{path}: {what}" if path else f"The body {what}", path or None, code)


def quoted(text: str) -> str:
    """`text` from a client as it may stand in an answer and in a log: short, and without control characters."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return '"' + escaped(short) + '"'
