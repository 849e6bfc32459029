"""OpenAI's response items out of Anthropic's content blocks, in the order in which the model has made them.

LiteLLM has one reasoning item and one message for a whole answer: thoughts between texts, calls and searches would lose
their place, and in a stream they would come for items that have ended.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from litellm.responses.litellm_completion_transformation.reasoning_items import encode_thinking_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Event = dict[str, Any]


class Item:
    """One item of the output, from its beginning to its end."""

    blocks: ClassVar[tuple[str, ...]] = ()  # more blocks of these types are parts of the same item

    def __init__(self, place: int, prefix: str, kind: str, **fields: Any) -> None:
        self.place = place
        self.fields: Event = {"id": f"{prefix}_{uuid.uuid4().hex}", "type": kind, "status": "in_progress", **fields}

    def added(self) -> Event:
        """How it begins."""
        return {"type": "response.output_item.added", "output_index": self.place, "item": _copy(self.fields)}

    def start(self, _block: Mapping[str, Any]) -> Iterator[Event]:
        """A block of it begins; of a whole answer that is all of the block."""
        yield from ()

    def delta(self, _delta: Mapping[str, Any]) -> Iterator[Event]:
        """The block goes on."""
        yield from ()

    def stop(self) -> Iterator[Event]:
        """The block ends."""
        yield from ()

    def done(self, status: str) -> Iterator[Event]:
        """The item ends."""
        self.fields["status"] = status
        yield {"type": "response.output_item.done", "output_index": self.place, "item": _copy(self.fields)}

    def _event(self, kind: str, **more: Any) -> Event:
        return {"type": f"response.{kind}", "item_id": self.fields["id"], "output_index": self.place, **more}


class Message(Item):
    """What the model says. The texts between two citations are blocks of their own to Anthropic, and one part here."""

    blocks = ("text",)

    def __init__(self, place: int) -> None:
        super().__init__(place, "msg", "message", role="assistant", content=[])
        self._part: Event = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        self._citations: list[Mapping[str, Any]] = []
        self._began = 0

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        if not self.fields["content"]:
            yield self._event("content_part.added", content_index=0, part=_copy(self._part))
            self.fields["content"].append(self._part)
        self._began, self._citations = len(self._part["text"]), list(block.get("citations") or ())
        yield from self._said(block["text"])

    def delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        if delta["type"] == "citations_delta":
            self._citations.append(delta["citation"])
        yield from self._said(delta.get("text"))

    def _said(self, text: str | None) -> Iterator[Event]:
        if text:
            self._part["text"] += text
            yield self._event("output_text.delta", content_index=0, delta=text, logprobs=[])

    def stop(self) -> Iterator[Event]:
        noted: list[Event] = self._part["annotations"]
        for cited in self._citations:
            if str(cited.get("url") or "").startswith("https://"):  # of documents OpenAI has no such thing
                where = {"start_index": self._began, "end_index": len(self._part["text"])}
                noted.append({"type": "url_citation", **where, "url": cited["url"], "title": cited.get("title") or ""})
                place = {"content_index": 0, "annotation_index": len(noted) - 1}
                yield self._event("output_text.annotation.added", **place, annotation=noted[-1])

    def done(self, status: str) -> Iterator[Event]:
        yield self._event("output_text.done", content_index=0, text=self._part["text"], logprobs=[])
        yield self._event("content_part.done", content_index=0, part=_copy(self._part))
        yield from super().done(status)


class Reasoning(Item):
    """What it thinks: the summary is for reading, the encrypted content are the blocks as Anthropic signed them."""

    blocks = ("thinking", "redacted_thinking")

    def __init__(self, place: int) -> None:
        super().__init__(place, "rs", "reasoning", summary=[], encrypted_content=None)
        self._signed: list[Event] = []
        self._speaks = False

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        self._signed.append({**block})
        yield from self._thought(block.get("thinking"))

    def delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        if "signature" in delta:
            self._signed[-1]["signature"] = delta["signature"]
        if thought := delta.get("thinking"):
            self._signed[-1]["thinking"] += thought
            yield from self._thought(thought)

    def _thought(self, text: str | None) -> Iterator[Event]:
        if not text:
            return
        summary: list[Event] = self.fields["summary"]
        if not self._speaks:
            self._speaks = True
            summary.append({"type": "summary_text", "text": ""})
            yield self._event("reasoning_summary_part.added", summary_index=len(summary) - 1, part={**summary[-1]})
        summary[-1]["text"] += text
        yield self._event("reasoning_summary_text.delta", summary_index=len(summary) - 1, delta=text)

    def stop(self) -> Iterator[Event]:
        if self._speaks:
            self._speaks = False
            summary: list[Event] = self.fields["summary"]
            place = {"summary_index": len(summary) - 1}
            yield self._event("reasoning_summary_text.done", **place, text=summary[-1]["text"])
            yield self._event("reasoning_summary_part.done", **place, part={**summary[-1]})

    def done(self, status: str) -> Iterator[Event]:
        self.fields["encrypted_content"] = encode_thinking_blocks(self._signed)
        yield from super().done(status)


def _copy(fields: Event) -> Event:
    """What goes out now stays as it is, whatever is added to the item."""
    return {name: list(value) if isinstance(value, list) else value for name, value in fields.items()}
