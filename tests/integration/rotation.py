"""A production stack whose key is rotated, and what the tests of rotation look at."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.integration.deployment import Deployment, deployment, docker
from tests.integration.hosts import Internet
from tests.integration.operations import Operations

PORT = 14660
LOGIN = "/home/app/.claude/.credentials.json"
ASK = """
import json, sys, urllib.request
body = json.dumps({"model": "sonnet", "messages": [{"role": "user", "content": "hello"}]}).encode()
headers = {"content-type": "application/json", "authorization": "Bearer " + sys.stdin.read()}
request = urllib.request.Request("http://127.0.0.1:4000/v1/chat/completions", body, headers)
print(urllib.request.urlopen(request, timeout=60).status)
"""


@dataclass
class Bed:
    """The stack, the commands, and every key that it has had, oldest first."""

    stack: Deployment
    operations: Operations
    context: ssl.SSLContext
    keys: list[str] = field(default_factory=list)

    def call(self, key: str, body: Any = None) -> http.client.HTTPResponse:
        """Asks for the models, or sends ``body`` to the chat endpoint; the answer is not read yet."""
        connection = http.client.HTTPSConnection("localhost", PORT, context=self.context, timeout=60)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        path = "/v1/chat/completions" if body else "/v1/models"
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        return connection.getresponse()

    def status(self, key: str) -> int:
        with contextlib.closing(self.call(key)) as answer:
            answer.read()
            return answer.status

    def learn_key(self) -> str:
        """Notes the current key and returns it."""
        self.keys.append(self.stack.pulumi("stack", "output", "master_key", "--show-secrets").stdout.strip())
        return self.keys[-1]

    def settings(self) -> dict[str, Any]:
        """The stack's configuration file; secrets are encrypted in it."""
        text = (self.stack.project / f"Pulumi.{self.stack.name}.yaml").read_text()
        return {name.rpartition(":")[2]: value for name, value in yaml.safe_load(text)["config"].items()}

    def nothing_to_do(self) -> bool:
        """Whether another update would change nothing."""
        return not self.stack.changes()


@contextlib.contextmanager
def rotation_bed(net: Internet, key: str) -> Iterator[Bed]:
    """A production stack with a configured key and the Claude login in its volume, up."""
    with deployment(
        "prod",
        port=PORT,
        bindAddresses=["127.0.0.1"],
        drainSeconds=20,
        claudeWarmProcesses=1,
        egressDns=[net.host.address],
        egressPrivateCidrs=[f"{net.host.address}/32"],
        upstreamCaCertificates=net.ca,
    ) as stack:
        stack.set_secret("masterKey", key)
        outputs = stack.up().outputs
        authority = ssl.create_default_context(cadata=outputs["ca_certificate"].value)
        made = Bed(stack, Operations(stack), authority, [key])
        write_login(made, expires_in=86_400)
        yield made


def write_login(bed: Bed, expires_in: float) -> None:
    """Puts a login of the fake's into the volume, as the CLI would write it."""
    login = {
        "accessToken": f"fake-access-{secrets.token_hex(8)}",
        "refreshToken": f"fake-refresh-{secrets.token_hex(8)}",
        "expiresAt": int((time.time() + expires_in) * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    program = "import os,sys; os.umask(0o077); open(sys.argv[1],'w').write(sys.argv[2])"
    docker("exec", bed.stack.there("litellm")[0], "python3", "-c", program, LOGIN, json.dumps({"claudeAiOauth": login}))


@contextlib.contextmanager
def requests_all_the_while(bed: Bed, key: str) -> Iterator[list[int]]:
    """Ten requests a second with one key, for as long as the body takes; yields the list of their statuses."""
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            try:
                statuses.append(bed.status(key))
            except OSError:
                statuses.append(0)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()


def refreshes(net: Internet) -> int:
    """How often the fake's token endpoint was asked for a new login."""
    return sum(request["path"].endswith("/oauth/token") for request in net.requests())


def ask_inside(container: str, key: str) -> str:
    """Asks the container itself, past the gateway, and returns the status; the key goes in through stdin."""
    command = ["docker", "exec", "--interactive", container, "python3", "-c", ASK]
    done = subprocess.run(command, input=key, capture_output=True, text=True, check=False, timeout=90)
    return (done.stdout + done.stderr).strip()


@contextlib.contextmanager
def twin(container: str, *more: str) -> Iterator[str]:
    """A second container like this one, on the same volume, as there is one while a rotation lasts; healthy.

    ``more`` are further options of `docker run`.
    """
    config = json.loads(docker("inspect", container))[0]
    host, environment = config["HostConfig"], dict(pair.split("=", 1) for pair in config["Config"]["Env"])
    network = next(iter(config["NetworkSettings"]["Networks"]))
    options = [
        *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--network", network),
        *(part for name in environment for part in ("--env", name)),  # the values, some secret, by environment
        *(part for mount in config["Mounts"] for part in ("--volume", f"{mount['Name']}:{mount['Destination']}")),
        *(part for path, how in host["Tmpfs"].items() for part in ("--tmpfs", f"{path}:{how}")),
        *more,
    ]
    command = [str(shutil.which("docker")), "run", "--detach", *options, config["Image"]]
    # The container's own variables win, PATH among them, so the client is named by its path.
    started = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    name = started.stdout.strip()
    try:
        for _ in range(120):
            if docker("exec", name, "litellm-healthcheck", check=False) == "ready":
                break
            time.sleep(0.5)
        yield name
    finally:
        docker("rm", "--force", name)
