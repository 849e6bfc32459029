"""YAML as Pulumi reads it: the first document of a file, a day as the word that it is, no key twice.

PyYAML is asked for libyaml, of which Pulumi's own parser is a translation, so that both find the same faults.
"""

from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError


class YamlError(Exception):
    """What keeps a file from being read; a sentence that names the file, the line and the way out."""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Takes ``on`` and 2026-02-31 for the words that they are to Pulumi: neither is a reason to stop here."""


Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if not one[0].endswith((":timestamp", ":value", ":bool")) or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
MAPPING, NOTHING = "tag:yaml.org,2002:map", "tag:yaml.org,2002:null"


def parsed(text: bytes | str, file: str = "the stack's file") -> dict[str, Any]:
    """Returns what stands at the top of a stack's file, or of Pulumi.yaml; ``file`` is its name for a sentence.

    Raises:
        YamlError: when Pulumi takes it for no such file, either.
    """
    content = text.encode() if isinstance(text, str) else text
    try:
        loader = Loader(content)
        node = loader.get_node() if loader.check_node() else None
        if node is None or node.tag == NOTHING:
            return {}
        _refuse_other_than_settings(node)
        found: dict[str, Any] = loader.construct_document(node)
    except yaml.MarkedYAMLError as fault:
        line, problem = fault.problem_mark.line + 1 if fault.problem_mark else 1, fault.problem
    except ReaderError as fault:
        line, problem = content.count(b"\n", 0, fault.position) + 1, fault.reason
    else:
        return found
    raise YamlError(
        f"{file}, line {line}, is no YAML that Pulumi takes: {problem}. Correct that line, or one above it. Often it "
        f"is a tab, a setting that stands there twice, or the marks of a merge. What has changed: git diff {file}"
    ) from None


def _refuse_other_than_settings(top: yaml.Node) -> None:
    """What has another form than a stack's file, and what stands in a file twice: PyYAML would take the last one."""
    if top.tag != MAPPING:
        raise ConstructorError(problem="settings belong here, below `config:`", problem_mark=top.start_mark)
    for key, value in top.value:
        if key.value == "config" and value.tag not in (MAPPING, NOTHING):
            raise ConstructorError(problem="settings belong here, each with its name", problem_mark=value.start_mark)
    nodes, seen = [top], set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))  # an anchor may be within itself
        if isinstance(node, yaml.SequenceNode):
            nodes.extend(node.value)
            continue
        keys: set[object] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                raise ConstructorError(problem=f"{key.value} stands there twice", problem_mark=key.start_mark)
            keys.add(key.value if isinstance(key, yaml.ScalarNode) else None)
            nodes.append(value)
