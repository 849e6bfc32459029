"""What Pulumi calls the kinds of resources that a stack's state has of the engine."""

IMAGE = "docker:index/remoteImage:RemoteImage"
TAG = "docker:index/tag:Tag"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
CONTAINER = "docker:index/container:Container"
SERVICE = "docker:index/service:Service"
SECRET = "docker:index/secret:Secret"  # noqa: S105 - a type
CONFIG = "docker:index/serviceConfig:ServiceConfig"
