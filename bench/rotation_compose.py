"""The service as docker compose runs it: the same images, a certificate, and the key in the environment."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from ipaddress import ip_network
from pathlib import Path
from typing import Self

import trustme

from rules.addresses import PRIVATE, without
from testbed.hosts import Internet

FILE = Path(__file__).with_name("compose.yaml")
PROJECT = "litellm-claude-bench"
START_SECONDS = 90


def command() -> list[str]:
    """Docker's compose plugin, or the older program of its own; raises RuntimeError when there is neither."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    if found := shutil.which("docker-compose"):
        return [found]
    raise RuntimeError("docker compose is missing. Install it: apt-get install docker-compose (or use --no-compose)")


class Compose:
    """Compose's containers, gone again at the end."""

    def __init__(self, folder: Path, images: dict[str, str], net: Internet, port: int) -> None:
        self._ca = trustme.CA()
        self.authority = self._ca.cert_pem.bytes().decode()
        self.key = f"sk-{secrets.token_hex(32)}"
        self._port = port
        self._folder = folder
        self._command = [*command(), "--project-name", PROJECT, "--file", str(FILE)]
        self._environment = {
            **os.environ,
            **{f"{role.upper()}_IMAGE": image for role, image in images.items()},
            "RESOLVER": net.host.address,
            "CLOSED_CIDRS": ",".join(map(str, without(PRIVATE, [ip_network(net.host.address)]))),
            "UPSTREAM_CA_CERTIFICATES": net.ca,
            "ANTHROPIC_API_KEY": "sk-ant-of-the-benchmark",
            "MODELS": '{"sonnet": "claude-sonnet-5-5"}',
            "PORT": str(port),
        }
        self.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run("down", "--volumes", "--timeout", "1")

    def _run(self, *arguments: str) -> None:
        environment = {**self._environment, "LITELLM_MASTER_KEY": self.key}
        done = subprocess.run(
            [*self._command, *arguments], env=environment, cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"compose {arguments[0]}: {done.stderr.strip()[-800:]}")

    def start(self) -> None:
        """Brings everything up, and waits until it answers."""
        self.change({})
        self._wait_until_it_answers()

    def change(self, variables: dict[str, str]) -> None:
        """Creates or recreates what differs, as an operator would after editing the file."""
        self._environment |= variables
        self._run("up", "--detach")

    def rotate(self) -> str:
        """Gives LiteLLM a new key, and returns it."""
        self.key = f"sk-{secrets.token_hex(32)}"
        self.change({})
        return self.key

    def renew(self) -> None:
        """Makes a new certificate, which the next change puts in force."""
        issued = self._ca.issue_cert("localhost")
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
        self._environment |= {
            "GATEWAY_TLS_CERTIFICATE": chain,
            "GATEWAY_TLS_PRIVATE_KEY": issued.private_key_pem.bytes().decode(),
        }

    def _wait_until_it_answers(self) -> None:
        context = ssl.create_default_context(cadata=self.authority)
        body = json.dumps({"model": "sonnet", "messages": [{"role": "user", "content": "hi"}]}).encode()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        request = urllib.request.Request(f"https://localhost:{self._port}/v1/chat/completions", body, headers)
        for _ in range(START_SECONDS):
            try:
                urllib.request.urlopen(request, context=context, timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(1)
            else:
                return
        raise RuntimeError(f"compose's gateway did not answer within {START_SECONDS} s")
