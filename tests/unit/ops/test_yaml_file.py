"""YAML is read as Pulumi reads it, and what it refuses is told with its line; `pulumi config` said the same of each."""

import pytest

from rules.yaml_file import YamlError, parsed


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        ("~\n", {}),
        ("config:\n", {"config": None}),
        ("config: {a: on, b: yes, c: true}\n", {"config": {"a": "on", "b": "yes", "c": True}}),
        ("config: {a: =, b: 2026-02-31}\n", {"config": {"a": "=", "b": "2026-02-31"}}),
        ("config: {a: 0123}\n", {"config": {"a": 83}}),
        ("a: 1\n---\na: 2\n", {"a": 1}),
        ("a: &x {b: 1}\nc: {<<: *x, d: *x}\n", {"a": {"b": 1}, "c": {"b": 1, "d": {"b": 1}}}),
        ("a: [{b: 1}, {b: 2}]\n", {"a": [{"b": 1}, {"b": 2}]}),
    ],
)
def test_a_value_is_what_pulumi_takes_it_for(text: str, read: object) -> None:
    assert parsed(text) == parsed(text.encode("utf-16")) == read


def test_a_reference_may_be_within_what_it_refers_to() -> None:
    found = parsed("a: &x [*x]\n")["a"]
    assert found[0] is found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, is no YAML that Pulumi takes: a stands there twice"),
        ("a:\n  - b: 1\n    b: 2\n", "line 3, is no YAML that Pulumi takes: b stands there twice"),
        ("? [a]\n: b\n", "line 1, is no YAML that Pulumi takes: found unhashable key"),
        ("a: *b\n", "line 1, is no YAML that Pulumi takes: found undefined alias"),
        (b"# \xfc\n", "line 1, is no YAML that Pulumi takes: "),
        ("a: b\0c\n", "line 1, is no YAML that Pulumi takes: "),
        ("config: [a]\n", "line 1, is no YAML that Pulumi takes: settings belong here, each with its name"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str | bytes, said: str) -> None:
    with pytest.raises(YamlError) as refused:
        parsed(text, "Pulumi.prod.yaml")
    assert str(refused.value).startswith(f"Pulumi.prod.yaml, {said}")
