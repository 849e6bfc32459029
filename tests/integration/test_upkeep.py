"""A production stack over time: its certificate is renewed, and what must outlive it does."""

import time

from testbed.deployment import Deployment, docker


def test_a_managed_certificate_is_renewed_before_its_end(prod: Deployment) -> None:
    exported = prod.stack.export_stack()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    assert exported.deployment is not None
    for resource in exported.deployment["resources"]:
        if resource["type"].endswith("LocallySignedCert"):
            resource["outputs"]["validityEndTime"] = soon
    prod.stack.import_stack(exported)
    assert "replace" in set(prod.up().summary.resource_changes or {})
    assert prod.changes() == {}
    assert prod.call("/v1/models").status == 200


def test_down_leaves_the_login_behind(prod: Deployment) -> None:
    """Last, because the stack is gone after it."""
    volume, old_key = prod.output("claude_auth_volume"), prod.output("master_key")
    prod.exec("litellm", "sh", "-c", "echo kept > /home/app/.claude/marker")
    done = prod.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert done.returncode == 0, done.stdout
    assert volume in docker("volume", "ls", "--quiet").splitlines()
    assert prod.there() == []
    stopped = prod.pulumi("destroy", "--yes", "--skip-preview")
    assert stopped.returncode != 0
    assert "protect" in stopped.stdout + stopped.stderr
    prod.up()
    assert prod.exec("litellm", "cat", "/home/app/.claude/marker") == "kept"
    assert prod.output("master_key") != old_key
    assert prod.call("/v1/models").status == 200
