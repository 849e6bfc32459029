"""The images: built from ``images/`` by the stack itself, or ready ones, by digest or out of a bundle."""

import hashlib
import os
from pathlib import Path

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from rules import bundle, engines, registry, releases
from rules.layout import IMAGES, PROJECT, short


class Images(pulumi.ComponentResource):
    """Image ids, which name content: a container changes when, and only when, what it runs has changed.

    In a Swarm they are digests in a registry, which name content, too.
    """

    litellm: pulumi.Output[str]
    gateway: pulumi.Output[str]
    egress: pulumi.Output[str]
    front: pulumi.Output[str]
    acme: pulumi.Output[str]
    """Of a stack with ``tls: acme`` alone."""
    valkey: pulumi.Output[str]
    """Of a stack with several replicas alone."""

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:Images", name, None, opts)
        settings = deployment.settings
        if settings.litellm_image is None:
            problem = releases.locked_fault(IMAGES / "litellm" / "requirements.lock")
        else:
            problem = releases.tag_fault(settings.litellm_image)
        if problem:
            raise pulumi.RunError(f"litellmImage: {problem}")

        self._bundled = bundle.images()
        self.litellm = self._image(deployment, "litellm", settings.litellm_image)
        self.gateway = self._image(deployment, "gateway", settings.gateway_image)
        self.egress = self._image(deployment, "egress", settings.egress_image)
        self.front = self._image(deployment, "front", settings.front_image)
        built = {"litellm": self.litellm, "gateway": self.gateway, "egress": self.egress, "front": self.front}
        if settings.acme:
            built["acme"] = self.acme = self._image(deployment, "acme", settings.acme_image)
        if settings.replicas > 1:
            built["valkey"] = self.valkey = self._image(deployment, "valkey", settings.valkey_image)
        self.register_outputs(built)

    def _image(self, deployment: Deployment, role: str, given: str | None) -> pulumi.Output[str]:
        settings = deployment.settings
        ready = given or self._bundled.get(role)
        digest = bundle.context_digest(IMAGES / role)
        since = settings.security_updates
        if since:
            digest = hashlib.sha256(f"{digest} {since}".encode()).hexdigest()
        if deployment.swarm and given:
            return pulumi.Output.from_input(given)
        if not ready and (elsewhere := engines.built_elsewhere(settings.docker_host, os.environ)):
            raise pulumi.RunError(elsewhere)
        # The tag is the stack's own: a containerd store collects an image whose tag moved to another stack's build.
        # keep_locally: a replacement deletes the old image last, and with it the tag that was just built.
        own = tag(role, digest, deployment.short_name)
        build = docker.RemoteImageBuildArgs(
            context=str((IMAGES / role).relative_to(Path.cwd())),
            build_args={"SECURITY_UPDATES": since} if since else None,
        )
        image = docker.RemoteImage(
            f"{deployment.name}-{role}",
            name=ready or own,
            build=None if ready else build,
            triggers=None if ready else {"context": digest},
            keep_locally=True,
            opts=deployment.child(self),
        )
        return self._pushed(deployment, role, own, image) if deployment.swarm else image.image_id

    def _pushed(self, deployment: Deployment, role: str, own: str, image: docker.RemoteImage) -> pulumi.Output[str]:
        """Pushes the image to the registry of a Swarm, and returns its name by digest, by which the nodes pull it."""
        name = f"{registry.place(deployment.settings.registry or '')}/{own}"
        tagged = docker.Tag(
            f"{deployment.name}-{role}",
            source_image=image.image_id,
            target_image=name,
            opts=deployment.child(self),
        )
        there = docker.RegistryImage(
            f"{deployment.name}-{role}",
            name=tagged.target_image,
            keep_remotely=True,
            triggers={"image": image.image_id},
            opts=deployment.child(self),
        )
        return pulumi.Output.concat(name.rpartition(":")[0], "@", there.sha256_digest)


def tag(role: str, digest: str, stack: str) -> str:
    """Returns the name of the image that ``stack`` builds, its own.

    The containerd image store drops an image whose tag moves to another one, and two builds of the same files need not
    have the same id. The digest stands first: a tag may not begin with a dot or a dash, as a stack's name may.
    """
    return f"{PROJECT}/{role}:{short(digest)}-{stack}"
