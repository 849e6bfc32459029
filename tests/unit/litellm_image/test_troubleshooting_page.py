"""What the gateway tells whoever may not, must wait or asks in vain is on the page of troubleshooting."""

import ast
import re
from pathlib import Path

from rules.layout import IMAGES

from claude_gateway.api.keys import Refusal

PAGE = (IMAGES.parent / "docs" / "troubleshooting.md").read_text()
OF_THE_REQUEST = {400, 404, 405, 408, 413, 414, 415, 431}
"""Statuses whose sentence says by itself what to send instead."""
NEVER_SENT = {403}
"""By no rule of the gateway's; HAProxy would have HTML for it."""


def beginning(sentence: str) -> str:
    return re.split(r"[:;,.]", sentence)[0].strip()


def told(module: Path) -> set[str]:
    """The beginnings of the sentences in the module's errors, as far as they are written down there."""
    tree = ast.parse(module.read_text())
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    found = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > 1):
        status, said = call.args[:2]
        raised = isinstance(call.func, ast.Name) and call.func.id in {"Failure", "UpstreamError"}
        if raised and getattr(status, "value", 500) not in OF_THE_REQUEST:
            said = named.get(said.id, said) if isinstance(said, ast.Name) else said
            texts = (
                one.value for one in ast.walk(said) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            found |= {beginning(text) for text in texts if text[:1].isupper()}
    return found


def test_the_page_has_each_error_of_the_litellm_container_that_is_not_about_the_request_itself() -> None:
    said = {text for module in (IMAGES / "litellm" / "app").rglob("*.py") for text in told(module)}
    said |= {beginning(refusal.value) for refusal in Refusal}
    assert len(said) > 15
    assert {text for text in said if text not in PAGE} == set()


def test_the_page_has_each_error_of_the_gateway_that_is_not_about_the_request_itself() -> None:
    lines = re.findall(
        r'http-error status (\d+) .*?"message":"([^"]+)', (IMAGES / "gateway" / "haproxy.cfg").read_text()
    )
    said = {beginning(text) for status, text in lines if int(status) not in OF_THE_REQUEST | NEVER_SENT}
    assert len(said) > 5
    assert {text for text in said if text not in PAGE} == set()
