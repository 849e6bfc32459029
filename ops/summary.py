"""Says how to use a stack that is up. ``python -m ops.summary STACK``, with its outputs as JSON on stdin."""

import json
import sys
from collections.abc import Mapping

from rules.docker import Client, EngineError
from rules.messages import tell

LOGIN = "/home/app/.claude/.credentials.json"


def lacks_login(outputs: Mapping[str, object], engine: Client) -> bool:
    """Whether the stack takes a Claude login, and its LiteLLM has none: not yet, or not any more."""
    if outputs.get("claude_auth", "login") != "login" or "litellm_container" not in outputs:  # a service takes none
        return False
    try:
        return engine.call("exec", str(outputs["litellm_container"]), "test", "-s", LOGIN, seconds=10).returncode != 0
    except EngineError:
        return True


def summary(outputs: Mapping[str, object], stack: str, engine: Client) -> str:
    """What to know and to do next; never holds the key itself, but a command that reads it."""
    make = "make" if stack == "dev" else f"make STACK={stack}"
    # the key goes through a pipe: an argument could be read by any process of the machine
    curl = f"{make} -s output NAME=master_key | sed 's/^/Authorization: Bearer /' | curl -H @- "
    if outputs.get("ca_certificate"):
        curl = f"{make} -s output NAME=ca_certificate >ca.pem && {curl}--cacert ca.pem "
    login = (
        f"{make} login   (no Claude login is in the volume {outputs.get('claude_auth_volume')}; once there, it stays)"
    )
    following = login if lacks_login(outputs, engine) else f"{make} logs"
    return f"""
  url   {outputs["url"]}
  key   {make} -s output NAME=master_key   ({outputs["master_key_source"]})
  try   {curl}{outputs["url"]}/v1/models
  next  {following}
"""


if __name__ == "__main__":
    if not (given := sys.stdin.read()):
        sys.exit(1)  # pulumi has said why
    tell(summary(json.loads(given), sys.argv[1], Client()))
