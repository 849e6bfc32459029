"""What the repository promises to whoever works on it: one version, one list of linters, the same bytes everywhere."""

import os
import re
import shlex
import subprocess
import tomllib
from fnmatch import fnmatch
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def recipe(target: str) -> list[str]:
    lines = (ROOT / "Makefile").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{target}:"))
    found = []
    for line in lines[start + 1 :]:
        if not line.startswith("\t"):
            break
        found.append(line.strip().lstrip("@"))
    return found


def tools(commands: list[str]) -> set[str]:
    """The linters that commands run; ruff is two."""
    known = r"ruff check|ruff format|mypy|shellcheck|zizmor|actionlint|lint-imports|pytest"
    return {match.group() for command in commands if (match := re.search(known, command.partition(" -shellcheck")[0]))}


@pytest.fixture
def release_notes() -> ModuleType:
    path = str(ROOT / ".ci" / "release-notes")  # a command, so without .py
    spec = spec_from_file_location("release_notes", path, loader=SourceFileLoader("release_notes", path))
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_version_prints_the_one_version() -> None:
    shown = subprocess.run(["make", "-s", "version"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert shown.stdout == f"{VERSION}\n"


def test_the_list_of_targets_fits_into_80_columns_and_leaves_no_word_out() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line for line in listed.splitlines() if len(line) > 80] == []
    told = dict(re.findall(r"^([a-z0-9-]+):.*?## (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    flat = " ".join(listed.split())
    assert [target for target, words in told.items() if f"make {target} {words}" not in flat] == []
    assert len(told) > 40


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for _, date in headings[1:])
    assert headings[1:] == sorted(headings[1:], key=lambda heading: heading[1], reverse=True)


def test_release_notes_are_the_changelogs_words(release_notes: ModuleType) -> None:
    changelog = "# C\n\n## [Unreleased]\n\n- later\n\n## [1.2.0] - 2026-01-02\n\n- new\n\n## [1.1.0] - 2026-01-01\n"
    assert release_notes.notes("v1.2.0", "1.2.0", changelog) == "- new\n"
    with pytest.raises(ValueError, match=r"the tag is v1\.3\.0, but pyproject\.toml has version 1\.2\.0"):
        release_notes.notes("v1.3.0", "1.2.0", changelog)
    with pytest.raises(ValueError, match=r"has no section"):
        release_notes.notes("v2.0.0", "2.0.0", changelog)


def test_a_commit_is_checked_by_the_linters_of_make_lint() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    # what make installs from the locks, so that a version stands in one place
    assert all(hook["language"] == "system" for hook in hooks)
    programs = [re.sub(r"^env PYTHONPATH=\S+ ", "", hook["entry"]) for hook in hooks]
    assert all(program.startswith((".venv/bin/", ".toolchain/tools/")) for program in programs)
    assert tools([hook["entry"] for hook in hooks]) == tools(recipe("lint"))
    assert len(tools(recipe("lint"))) == len(recipe("lint")), "a linter that this test does not know"
    (types,) = [program for program in programs if "mypy" in program]
    packages = re.search(r"^PACKAGES := \$\(wildcard (.*)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert packages
    assert types.endswith(f"__main__.py {packages[1]}")


def test_make_hooks_installs_what_a_commit_is_checked_with() -> None:
    """In a fresh clone, too: git would refuse each commit, as there is no .venv yet."""
    done = subprocess.run(["make", "--dry-run", "hooks"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "setup/python.sh requirements-dev.lock" in done
    assert "setup/go_tool.sh actionlint" in done


def test_every_supported_python_is_tried_in_ci() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    tried = jobs["unit"]["strategy"]["matrix"]["python"]
    found = re.search(r"for candidate in python3 (.*);", (ROOT / "setup" / "lib.sh").read_text())
    assert found
    assert sorted(f"python{version}" for version in tried) == sorted(found.group(1).split())
    assert PROJECT["project"]["requires-python"] == f">={tried[0]}"


@pytest.mark.parametrize(
    ("ecosystem", "manifest"),
    [("pip", "requirements.in"), ("npm", "package.json"), ("gomod", "go.mod"), ("docker", "Dockerfile")],
)
def test_new_versions_of_all_that_is_locked_are_proposed(ecosystem: str, manifest: str) -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    (folders,) = [update["directories"] for update in updates if update["package-ecosystem"] == ecosystem]
    found = {f"/{path.parent.relative_to(ROOT)}".removesuffix(".") for path in tracked(f"*{manifest}", ":!tests")}
    assert found
    assert [one for one in found if not any(fnmatch(one, pattern) for pattern in folders)] == []


def test_text_is_the_same_bytes_on_every_machine() -> None:
    files = [(path, path.read_bytes()) for path in tracked()]
    assert [path.name for path, content in files if b"\r\n" in content and b"\0" not in content] == []


def test_whatever_starts_with_a_shebang_can_be_run() -> None:
    # what an image copies gets its mode in the Dockerfile
    scripts = [path for path in tracked(":!images") if path.read_bytes()[:2] == b"#!"]
    assert len(scripts) > 15
    assert [str(path.relative_to(ROOT)) for path in scripts if not path.stat().st_mode & 0o100] == []


def test_the_benchmark_has_stock_litellm_in_the_images_version() -> None:
    def locked(name: str) -> list[str]:
        return re.findall(r"^litellm==(\S+)", (ROOT / name).read_text(), re.MULTILINE)

    assert locked("tools/gateways/requirements.lock") == locked("images/litellm/requirements.lock")


@pytest.mark.parametrize(
    ("given", "told"),
    [([], ""), (["CLIENT=alice"], "--client='alice'"), (["CLIENT="], "--client=''"), (["CLIENT=-x"], "--client='-x'")],
)
@pytest.mark.parametrize("target", ["rotate", "retire"])
def test_a_clients_name_that_is_empty_is_not_the_master_keys(target: str, given: list[str], told: str) -> None:
    """As of CLIENT=$WHO in a shell that has no WHO."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CLIENT", "MAKEFLAGS")}
    command = ["make", "--dry-run", target, *given]
    made = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    (line,) = [line for line in made.splitlines() if f"ops.{target}" in line]
    assert (told in line) if told else ("--client" not in line)


@pytest.mark.parametrize(("given", "told"), [([], None), (["SINCE=1h"], "1h")])
def test_logs_are_the_last_lines_unless_somebody_says_since_when(given: list[str], told: str | None) -> None:
    """`make usage` has a default of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SINCE", "MAKEFLAGS")}
    command = ["make", "--dry-run", "logs", *given]
    made = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    (line,) = [line for line in made.splitlines() if "ops.logs" in line]
    assert re.findall(r"--since='(.*)'", line) == ([told] if told else [])


@pytest.mark.parametrize("path", ["a b", "it's", 'a"b', "`touch done`", "$(touch done)", "a;touch done", "-x", "*", ""])
def test_what_a_person_names_is_one_word_of_the_shell(path: str) -> None:
    """`make restore FILE=...` ran what stood in backquotes."""
    environment = {name: value for name, value in os.environ.items() if name not in ("FILE", "MAKEFLAGS")}
    command = ["make", "--dry-run", "restore", f"FILE={path.replace('$', '$$')}"]
    made = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    (line,) = [line for line in made.splitlines() if "ops/restore.sh" in line]
    assert shlex.split(line) == ["ops/restore.sh", "dev", path, ""]


def test_what_a_linter_is_told_to_overlook_has_its_reason_beside_it() -> None:
    found = [(path.name, line) for path in tracked("*.py") for line in re.findall("# noqa.*", path.read_text())]
    found = [(name, line) for name, line in found if name != Path(__file__).name]
    assert len(found) > 50
    assert [one for one in found if not re.match(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \w", one[1])] == []


def test_because_is_not_called_for() -> None:
    """Whoever reads English as a second language looks for what is meant for whom."""
    because = re.compile(
        r"[,;:.] for (?:it|they|he|she|there|nobody|that|this) (?:\w+n't|\w*s|are|can|do|have|may|will)\b",
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked("*.py", "*.md", "*.sh", "*.cfg", "*.conf", "*.yml", "*.yaml", "Makefile")
        for match in because.finditer(" ".join(path.read_text().split()))
    ]
    assert found == []
