"""docs/posture.md, made from the registry: ``python -m posture --document > docs/posture.md``."""

import posture.checks  # noqa: F401 - fills the registry
from posture.model import REGISTRY
from posture.render import GROUPS

HEAD = """# What posture checks

`make verify STACK=prod` (`python -m posture --stack prod`) compares the running stack with its declaration, tries what
must be refused, and never prints a secret. It makes no model call. Exit status 0: nothing of severity high failed.

- `--json` prints the report for programs (`schema` is its version), `--junit FILE` writes it for CI.
- `--only ID` (repeatable, an id or a group) runs a part; `--skip ID=REASON` leaves one out, and the reason is reported.
- Statuses: pass, fail, warn, not-applicable (the rule has no object here), exception (a deviation that this project has
  decided on, with its reason), skipped.
- *On update*: the check also runs inside `pulumi up`, after a container changed; a failure of severity high
  fails the update, and old containers are not deleted before the check has passed.
- Sources: *security page* is cabinlab's
  [Security Best Practices](https://github.com/cabinlab/litellm-claude-code/blob/main/docs/SECURITY.md), *design* is the
  [security model](security-model.md).

This page is generated: `python -m posture --document > docs/posture.md`.
"""

COLUMNS = "| id | what must hold | severity | on update | source of the rule |\n|---|---|---|---|---|\n"


def page() -> str:
    """Returns the page that lists every check."""
    parts = [HEAD]
    for group, title in GROUPS.items():
        parts.append(f"\n## {title}\n\n{COLUMNS}")
        for check in REGISTRY.values():
            if check.group == group:
                fast = "yes" if check.fast else ""
                parts.append(f"| `{check.id}` | {check.title} | {check.severity.value} | {fast} | {check.source} |\n")
    return "".join(parts)
