"""The way in from a compose deployment: its volume, with files of root or of uid 1000, is handed over."""

import contextlib
import io
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.adopt import hand_over
from ops.commands import OperationError
from ops.engine import Engine
from testbed.deployment import ROOT, docker

IMAGE = "debian:trixie-slim"
LOGIN = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat01-of-the-compose-deployment",
        "refreshToken": "sk-ant-ort01-of-the-compose-deployment",
        "expiresAt": 9_999_999_999_999,
        "scopes": ["user:inference"],
        "subscriptionType": "max",
    }
}
# As the CLI leaves its folder in a compose deployment: open to others, with folders, a link, and the login closed.
LAYOUT = """
mkdir -p /v/projects/-app && chmod 700 /v/projects
printf '{}\\n' >/v/settings.json && printf 'x\\n' >/v/projects/-app/one.jsonl && ln -s /nowhere /v/debug
printf %s "$LOGIN" >/v/.credentials.json && chmod 600 /v/.credentials.json
chown -Rh "$OWNER:$OWNER" /v && chmod 755 /v
"""


@pytest.fixture(params=[1000, 0])
def volume(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"compose_claude-auth-{secrets.token_hex(3)}"
    docker("volume", "create", name)
    environment = ["--env", f"OWNER={request.param}", "--env", f"LOGIN={json.dumps(LOGIN)}"]
    docker("run", "--rm", "--network", "none", "-v", f"{name}:/v", *environment, IMAGE, "sh", "-ec", LAYOUT)
    yield name
    docker("volume", "rm", "--force", name)


def adopt(folder: Path) -> str:
    """Does what `make up` does before an update, for a stack that adopts; returns what it said."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said):
        hand_over("adopting", Engine())
    return said.getvalue()


def test_a_compose_deployments_files_are_handed_over_whole(volume: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.adopting.yaml").write_text(f"config:\n  litellm-claude:claudeAuthVolume: {volume}\n")
    old = docker("run", "--detach", "--network", "none", "-v", f"{volume}:/v", IMAGE, "sleep", "600")
    try:
        with pytest.raises(OperationError, match=r"works with them\. Stop it \(docker stop "):
            adopt(tmp_path)
    finally:
        docker("rm", "--force", old)
    assert f"the files in the volume {volume} belong to " in adopt(tmp_path)
    as_litellm = ["run", "--rm", "--network", "none", "--user", "10001:10001", "-v", f"{volume}:/v", IMAGE]
    assert docker(*as_litellm, "find", "/v", "!", "-uid", "10001", "-o", "!", "-gid", "10001") == ""
    assert docker(*as_litellm, "find", "/v", "-perm", "/077", "!", "-type", "l") == ""
    assert json.loads(docker(*as_litellm, "cat", "/v/.credentials.json")) == LOGIN
    docker(*as_litellm, "sh", "-c", "echo y >>/v/projects/-app/one.jsonl")
    assert adopt(tmp_path) == ""
