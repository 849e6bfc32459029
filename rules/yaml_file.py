"""YAML as Pulumi reads it: the first document of a file, a day as the word that it is, no key twice.

PyYAML is asked for libyaml, of which Pulumi's own parser is a translation, so that both find the same faults.
"""

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError


class YamlError(Exception):
    """What keeps a file from being read; a sentence that names the file, the line and the way out."""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Takes ``on``, 1:30 and 2026-02-31 for the words that they are to Pulumi, and numbers for the same ones."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Raises ConstructorError, which names the line, where PyYAML lets an error of Python's own through."""
        try:
            found = super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            kind = node.tag.rpartition(":")[2]
            raise ConstructorError(problem=f"a value is no {kind}", problem_mark=node.start_mark) from None
        return int(found) if isinstance(found, float) and found.is_integer() else found


class Dumper(yaml.SafeDumper):
    """Writes a word in quotes where it would be a number to Pulumi, too."""


OTHERS = (":timestamp", ":value", ":bool", ":int", ":float")
Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if not one[0].endswith(OTHERS) or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for kind, digits in (
    ("int", r"0b[01][01_]*|0x[\da-fA-F][\da-fA-F_]*|0(?:o[0-7])?[0-7_]*|[1-9][\d_]*"),
    ("float", r"(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?"),
):
    for one in (Loader, Dumper):
        number = re.compile(f"[-+]?(?:{digits})$", re.ASCII)
        one.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", number, "-+.0123456789")
MAPPING, NOTHING = "tag:yaml.org,2002:map", "tag:yaml.org,2002:null"


def written(content: dict[str, Any]) -> str:
    """Returns the YAML that says ``content``, to Pulumi and to :func:`parsed`."""
    return yaml.dump(content, Dumper=Dumper)


def parsed(text: bytes | str, file: str = "the stack's file") -> dict[str, Any]:
    """Returns what stands at the top of a stack's file, or of Pulumi.yaml; ``file`` is its name for a sentence.

    Raises:
        YamlError: when Pulumi takes it for no such file, either.
    """
    content = text.encode(errors="surrogatepass") if isinstance(text, str) else text
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
