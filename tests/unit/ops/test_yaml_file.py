"""YAML is read as Pulumi reads it, and what it refuses is told with its line; `pulumi config` said the same of each."""

import pytest

from rules.yaml_file import YamlError, parsed, written


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        ("~\n", {}),
        ("config:\n", {"config": None}),
        ("config: {a: on, b: yes, c: true}\n", {"config": {"a": "on", "b": "yes", "c": True}}),
        ("config: {a: =, b: 2026-02-31}\n", {"config": {"a": "=", "b": "2026-02-31"}}),
        ("a: [0123, 0o17, 0x1f, -0b11, 1_000, 0]\n", {"a": [83, 15, 31, -3, 1000, 0]}),
        ("a: [08, 1., 1.10, 1e3, -.5e-1, +1_0.5]\n", {"a": [8, 1, 1.1, 1000, -0.05, 10.5]}),
        (
            "a: [1:30, 1:30.5, 0x_, 0b_, 0xg, 1.2.3, .e1, -, _1]\n",
            {"a": ["1:30", "1:30.5", "0x_", "0b_", "0xg", "1.2.3", ".e1", "-", "_1"]},
        ),
        ("a: 1\n---\na: 2\n", {"a": 1}),
        ("a: &x {b: 1}\nc: {<<: *x, d: *x}\n", {"a": {"b": 1}, "c": {"b": 1, "d": {"b": 1}}}),
        ("a: [{b: 1}, {b: 2}]\n", {"a": [{"b": 1}, {"b": 2}]}),
    ],
)
def test_a_value_is_what_pulumi_takes_it_for(text: str, read: object) -> None:
    assert str(parsed(text)) == str(parsed(text.encode("utf-16"))) == str(read)


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
        ("a: b\nc: !!int x\n", "line 2, is no YAML that Pulumi takes: a value is no int"),
        (f"a: {'9' * 5000}\n", "line 1, is no YAML that Pulumi takes: a value is no int"),
        ("a: !!bool maybe\n", "line 1, is no YAML that Pulumi takes: a value is no bool"),
        ("a: !!timestamp today\n", "line 1, is no YAML that Pulumi takes: a value is no timestamp"),
        ("a: \ud800\n", "line 1, is no YAML that Pulumi takes: "),
        (b"# \xfc\n", "line 1, is no YAML that Pulumi takes: "),
        ("a: b\0c\n", "line 1, is no YAML that Pulumi takes: "),
        ("config: [a]\n", "line 1, is no YAML that Pulumi takes: settings belong here, each with its name"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str | bytes, said: str) -> None:
    with pytest.raises(YamlError) as refused:
        parsed(text, "Pulumi.prod.yaml")
    assert str(refused.value).startswith(f"Pulumi.prod.yaml, {said}")


def test_a_word_that_pulumi_would_take_for_a_number_is_written_in_quotes() -> None:
    """PyYAML alone writes the digits of a hash as they are, which are a number to Pulumi."""
    words = {"config": {"a": ["08", "1e3", "12345e67", "0o17", "1:30", "on", "true", "2026-11-28", "b"], "c": 5}}
    assert parsed(written(words)) == words
