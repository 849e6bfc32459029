"""An S3 server on loopback, Versity's gateway over a folder, and what Pulumi needs to keep states in it."""

import contextlib
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.deployment import ROOT

BUCKET = "states"
SECONDS = 30


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the variables with which Pulumi finds a bucket in it."""
    program = subprocess.run(
        [ROOT / "setup" / "go_tool.sh", "s3"], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    ).stdout.strip()
    buckets, attributes = folder / "buckets", folder / "attributes"
    (buckets / BUCKET).mkdir(parents=True)
    attributes.mkdir()  # not every file system of a test has extended ones
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    access, secret = "operator", secrets.token_hex(16)
    server = subprocess.Popen(
        [program, "--port", f"127.0.0.1:{port}", "posix", "--sidecar", str(attributes), str(buckets)],
        env={**os.environ, "ROOT_ACCESS_KEY": access, "ROOT_SECRET_KEY": secret},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, server)
        yield {
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?region=us-east-1&endpoint=http://127.0.0.1:{port}&s3ForcePathStyle=true",
        }
    finally:
        server.terminate()
        server.wait(SECONDS)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(SECONDS * 10):
        assert server.poll() is None, "the S3 server has ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError("the S3 server does not answer")
