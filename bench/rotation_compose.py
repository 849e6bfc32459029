"""The service as docker compose runs it: the same images, a certificate, and the key in the environment."""

import json
import os
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
from tests.integration.hosts import Internet

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
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        self.authority = authority.cert_pem.bytes().decode()
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
            "GATEWAY_TLS_CERTIFICATE": b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode(),
            "GATEWAY_TLS_PRIVATE_KEY": issued.private_key_pem.bytes().decode(),
            "PORT": str(port),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run("down", "--volumes", "--timeout", "1", key="sk-none")

    def _run(self, *arguments: str, key: str) -> None:
        environment = {**self._environment, "LITELLM_MASTER_KEY": key}
        done = subprocess.run(
            [*self._command, *arguments], env=environment, cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"compose {arguments[0]}: {done.stderr.strip()[-800:]}")

    def up(self, key: str) -> None:
        """Creates or recreates what differs, as an operator would after editing the key."""
        self._run("up", "--detach", key=key)

    def wait_until_it_answers(self, key: str) -> None:
        context = ssl.create_default_context(cadata=self.authority)
        body = json.dumps({"model": "sonnet", "messages": [{"role": "user", "content": "hi"}]}).encode()
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        request = urllib.request.Request(f"https://localhost:{self._port}/v1/chat/completions", body, headers)
        for _ in range(START_SECONDS):
            try:
                urllib.request.urlopen(request, context=context, timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(1)
            else:
                return
        raise RuntimeError(f"compose's gateway did not answer within {START_SECONDS} s")
