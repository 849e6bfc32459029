"""The CA of a stack, and the line with which each kind of client trusts it. ``make ca`` runs it.

``python -m ops.authority STACK``, in the project's folder and the stack's environment. It prints nothing secret. What
stands around the certificate is skipped by whatever reads PEM, so that ``make -s ca >ca.pem`` is a CA file, too.
"""

import sys

from ops.clients import outputs, table
from ops.commands import OperationError, exit_status
from ops.stack_file import StackFile

FILE = "$PWD/ca.pem"
LINES = (
    ("Node, Claude Code", f"export NODE_EXTRA_CA_CERTS={FILE}", "besides the public CAs"),
    ("Python: httpx, and the SDKs", f"export SSL_CERT_FILE={FILE}", "in place of the public CAs"),
    ("Python: requests", f"export REQUESTS_CA_BUNDLE={FILE}", "in place of the public CAs"),
    ("Go, OpenSSL", f"export SSL_CERT_FILE={FILE}", "in place of the public CAs"),
    ("curl", f"export CURL_CA_BUNDLE={FILE}", "or --cacert ca.pem; in place of the public CAs"),
    ("git", f"export GIT_SSL_CAINFO={FILE}", "in place of the public CAs"),
)
"""A kind of client, what it needs in its environment, and what becomes of the CAs that it trusts otherwise."""


def certificate_and_use(stack: str) -> str:
    """Returns the CA's certificate in PEM, and a line for each kind of client.

    Raises:
        OperationError: when the stack is not up, or has no CA of its own.
    """
    StackFile(stack)  # says which stack is not there
    found = outputs(stack, secrets=False)
    if "url" not in found:
        raise OperationError(f"the stack {stack!r} is not up, so its CA is not made yet. Run: make up STACK={stack}")
    authority = found.get("ca_certificate")
    if authority is None:
        raise OperationError(
            f"the stack {stack!r} has no CA of its own: clients need one only with tls: managed. With tls: acme they "
            "trust its CA as it is, with tls: provided whoever issued your certificate, and with tls: off there is none"
        )
    rows = table([(f"  {kind}", line, note) for kind, line, note in LINES])
    return f"""{authority.strip()}

  Save it where clients can read it: make -s output NAME=ca_certificate STACK={stack} >ca.pem

{rows}"""


def main() -> int:
    """Returns the exit status: 1 with a sentence when there is no such stack, or it has no CA."""
    return exit_status(lambda: certificate_and_use(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
