"""docs/posture.md, made from the registry: ``python -m posture --document > docs/posture.md``."""

import re

import posture.checks  # noqa: F401 - fills the registry
from posture.model import REGISTRY
from posture.render import GROUPS

HEAD = """# What posture checks

`make verify STACK=prod` (`python -m posture --stack prod`) compares the running stack with its declaration, tries what
must be refused, and never prints a secret. It makes no model call. Exit status 0: nothing of severity high failed.

- `--json` prints the report for programs (`schema` is its version), `--junit FILE` writes it for CI.
- A failure is printed with the command that fixes it. `--json` has that as `remediation`, and why the check matters as
  `risk`.
- `--only ID` (repeatable, an id or a group) runs a part; `--skip ID=REASON` leaves one out, and the reason is reported.
- Statuses: pass, fail, warn, not-applicable (the rule has no object here), exception (a deviation that this project has
  decided on, with its reason), skipped.
- *On update*: the check also runs inside `pulumi up`, after a container changed; a failure of severity high
  fails the update, and old containers are not deleted before the check has passed.
- Sources: *security page* is cabinlab's
  [Security Best Practices](https://github.com/cabinlab/litellm-claude-code/blob/main/docs/SECURITY.md), *design* is the
  [security model](security-model.md), *CIS Docker* is the CIS Docker Benchmark v1.6.0.

This page is generated: `python -m posture --document > docs/posture.md`.
"""

COLUMNS = "| id | what must hold | why | severity | on update | source of the rule |\n|---|---|---|---|---|---|\n"
PLACES = {
    r"security page": "https://github.com/cabinlab/litellm-claude-code/blob/main/docs/SECURITY.md",
    r"design\b": "security-model.md",
    r"CIS Docker(?: Benchmark v1\.6\.0)?": "https://www.cisecurity.org/benchmark/docker",
    r"NIST SP 800-57 part 1": "https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final",
    r"NIST SP 800-53": "https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
    r"OWASP Logging Cheat Sheet": "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html",
    r"OWASP SSRF Prevention": (
        "https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html"
    ),
    r"Mozilla server-side TLS 5\.7": "https://wiki.mozilla.org/Security/Server_Side_TLS",
    r"RFC (\d+)": r"https://www.rfc-editor.org/rfc/rfc\1",
    r"PROXY protocol": "https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt",
    r"Docker: Administer and maintain a swarm": "https://docs.docker.com/engine/swarm/admin_guide/",
    r"Docker: Encrypt traffic on an overlay network": "https://docs.docker.com/engine/network/drivers/overlay/",
    r"Docker: Use Swarm mode routing mesh": "https://docs.docker.com/engine/swarm/ingress/",
    r"Docker: attachable overlay networks": "https://docs.docker.com/engine/network/drivers/overlay/",
    r"pulumi-docker: Container": "https://www.pulumi.com/registry/packages/docker/api-docs/container/",
    r"pulumi-docker: Network": "https://www.pulumi.com/registry/packages/docker/api-docs/network/",
    r"LiteLLM's security advisories": "https://github.com/BerriAI/litellm/security/advisories",
    r"Claude Code: Authentication": "https://code.claude.com/docs/en/authentication",
    r"Anthropic: Model deprecations": "https://platform.claude.com/docs/en/about-claude/model-deprecations",
    r"pip: Secure installs": "https://pip.pypa.io/en/stable/topics/secure-installs/",
    r"Pulumi\.yaml: (\w+)": "settings.md",
}
"""Where a source of rules is, by how the checks name it."""
OWN_PAGE = re.compile(r"docs/([a-z-]+\.md)(?:: ([A-Z][\w' ]*\w))?")
"""A page of this documentation, and one of its headings."""


def linked(source: str) -> str:
    """Returns ``source`` with a link on each place that it names."""
    source = OWN_PAGE.sub(lambda found: f"[{found[0]}]({found[1]}{_anchor(found[2])})", source)
    for named, place in PLACES.items():
        source = re.sub(named, rf"[\g<0>]({place})", source)
    return source


def _anchor(heading: str | None) -> str:
    return f"#{heading.lower().replace(' ', '-')}" if heading else ""


def page() -> str:
    """Returns the page that lists every check."""
    parts = [HEAD]
    for group, title in GROUPS.items():
        parts.append(f"\n## {title}\n\n{COLUMNS}")
        for check in REGISTRY.values():
            if check.group == group:
                fast = "yes" if check.fast else ""
                cells = (f"`{check.id}`", check.title, check.risk, check.severity.value, fast, linked(check.source))
                parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)
