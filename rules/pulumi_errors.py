"""What Pulumi says when it fails, and what an operator does then."""

import re

from rules.configuration import EXAMPLES
from rules.layout import stack_name

KNOWN = {
    r"incorrect passphrase": (
        "this is not the passphrase of the stack '{name}'. Set PULUMI_CONFIG_PASSPHRASE or "
        "PULUMI_CONFIG_PASSPHRASE_FILE to the one that it was made with; when make made it, unset both and put it "
        "into .pulumi-passphrase-{name}. If it is lost: docs/operating.md, 'A lost passphrase'."
    ),
    r"passphrase must be set": (
        "the stack '{name}' needs its passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE (or PULUMI_CONFIG_PASSPHRASE)."
    ),
    r"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: open (?P<what>.*): no such file": (
        "PULUMI_CONFIG_PASSPHRASE_FILE names {what}, which is not there. Put the passphrase into it, or, when make "
        "made the passphrase: unset PULUMI_CONFIG_PASSPHRASE_FILE"
    ),
    r"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: (open|read) (?P<what>.*): (?P<why>[a-z ]*)": (
        "the passphrase cannot be read from {what}: {why}. Put it into a file of that name, which you can read."
    ),
    r'unable to open state directory "file://(?P<what>[^"]*)"': (
        "the state is kept in {what}, which is not there. For a new one: mkdir -p '{what}'. For the one that make "
        "keeps in this folder: unset PULUMI_BACKEND_URL, and pulumi logout"
    ),
    r"access token from PULUMI_ACCESS_TOKEN": (
        "PULUMI_ACCESS_TOKEN is set, so that the state is Pulumi Cloud's, and that gave none (see above). For the "
        "state that make keeps in this folder: unset PULUMI_ACCESS_TOKEN"
    ),
    r"organization name must be 'organization'": (
        "the state is in a folder or a bucket, where stacks have no organisation: make ... STACK={name}"
    ),
    r"no stack named": "no stack '{name}' is up. Bring it up: make up STACK={stack}",
    r"unsupported value: [+-]?(Inf|NaN)": (
        "a setting in Pulumi.{name}.yaml has the value .inf or .nan, which is no number to pulumi. Remove its line, or "
        "write a number."
    ),
    r"invalid YAML file|yaml: unmarshal errors|expected project to be an object": (
        "Pulumi.{name}.yaml is no YAML that pulumi takes: its message above names the line (the fault may be in an "
        "earlier one). Often it is a tab, a setting that stands there twice, or the marks of a merge."
    ),
    r"secrets manager: malformed state value": (
        "the line `encryptionsalt:` in Pulumi.{name}.yaml is not what pulumi wrote. Put it back as it was (git diff "
        "Pulumi.{name}.yaml). If nothing there has `secure:`, remove the line: pulumi makes another."
    ),
    r"secrets manager: open secrets.Keeper": (
        "pulumi does not open the key service that `secretsprovider:` in Pulumi.{name}.yaml names (see above). Correct "
        "that line. If nothing there has `secure:`, and the stack was never up, remove it: make takes a passphrase."
    ),
    r"could not decrypt configuration values|config: bad value|cipher: message authentication failed": (
        "a secret in Pulumi.{name}.yaml was encrypted for another stack, or is no secret of pulumi's. Set each again "
        "that has `secure:` there: pulumi config set --secret NAME --stack {stack}"
    ),
    r"claude-auth[\s\S]*protect": (
        "the stack has another login volume than claudeAuthVolume names. make up STACK={stack} takes the named one and "
        "leaves the other as it is; a preview cannot show that."
    ),
}
"""What pulumi says, and the sentence with the command that fixes it."""
WRONG_TYPE = re.compile(r"configuration key '([^']+)' must be of type '([^'<]+)")


def fix_for(said: str, stack: str) -> str | None:
    """Returns a sentence with the command that fixes what pulumi said, or None."""
    for pattern, sentence in KNOWN.items():
        if found := re.search(pattern, said):
            return sentence.format(stack=stack, name=stack_name(stack), **found.groupdict())
    if found := WRONG_TYPE.search(said):  # Pulumi's own check: it names the key, but not the way out
        key, kind = found.groups()
        forms = {"array": f"--path '{key}[0]' VALUE", "object": f"--path '{key}.NAME' VALUE"}
        how = EXAMPLES.get(key) or forms.get(kind, f"{key} VALUE")
        clear = f"pulumi config rm {key} --stack {stack}; " if kind in forms else ""  # or an old item stays
        default = (
            "" if clear or key == "environment" else f", or for its default: pulumi config rm {key} --stack {stack}"
        )
        fix = f"{clear}pulumi config set --stack {stack} {how}{default}"
        return f"the setting '{key}' has a value of the wrong type. Fix: {fix}"
    return None
