"""A service in the words of a container: what a manager leaves out is what an engine says of one that has not."""

from typing import Any

from posture.services_found import NEVER, as_container

LEAST = {
    "ID": "s1",
    "Spec": {"Name": "test-front", "TaskTemplate": {"ContainerSpec": {"Image": "front@sha256:a"}}},
}


def test_what_a_manager_leaves_out_is_zero_or_nothing() -> None:
    """Docker Engine API, ServiceSpec: Go's "omitempty" leaves out false, 0 and empty."""
    assert as_container(LEAST, 0, 0, {}, {}) == {
        "Id": "s1",
        "Name": "/test-front",
        "Image": "front@sha256:a",
        "Args": [],
        "AppArmorProfile": "docker-default",
        "State": {"Running": False, "Status": "there with 0 of 0 tasks", "Health": {"Status": "unhealthy"}},
        "Mounts": [],
        "NetworkSettings": {"Networks": {}, "Ports": {}},
        "Config": {
            "User": "",
            "Hostname": "",
            "Image": "front@sha256:a",
            "Env": [],
            "Labels": {},
            "Healthcheck": None,
            "Entrypoint": None,
            "Cmd": None,
            "WorkingDir": "",
        },
        "HostConfig": {
            "Privileged": False,
            "PublishAllPorts": False,
            "NetworkMode": "default",
            "IpcMode": "private",
            "PidMode": "",
            "UTSMode": "",
            "UsernsMode": "",
            "CgroupParent": "",
            "AutoRemove": False,
            "SecurityOpt": None,
            "CapAdd": None,
            "CapDrop": None,
            "GroupAdd": None,
            "Sysctls": None,
            "ExtraHosts": None,
            "Dns": None,
            "ReadonlyRootfs": False,
            "Tmpfs": {},
            "Memory": 0,
            "MemorySwap": 0,
            "NanoCpus": 0,
            "PidsLimit": 0,
            "Ulimits": None,
            "RestartPolicy": {"Name": "any"},
            "LogConfig": {"Type": None, "Config": None},
        },
    }


def test_what_a_manager_tells_is_said_as_an_engine_says_it() -> None:
    container: dict[str, Any] = {
        "Image": "front@sha256:a",
        "Args": ["--serve"],
        "Command": ["front"],
        "User": "1:1",
        "Hostname": "front",
        "Dir": "/srv",
        "Env": ["A=1"],
        "Labels": {"a": "b"},
        "Healthcheck": {"Test": ["CMD", "ok"]},
        "Secrets": [{"SecretID": "x1", "File": {"Name": "/run/secrets/KEY"}}, {"SecretID": "x2"}],
        "Configs": [{"ConfigID": "c1", "File": {"Name": "ALLOW"}}],
        "Mounts": [
            {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 16 << 20, "Mode": 0o1777}},
            {"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Propagation": "rshared"}},
            {"Type": "volume"},
        ],
        "CapabilityAdd": ["CHOWN"],
        "CapabilityDrop": ["ALL"],
        "Groups": ["2"],
        "Sysctls": {"net.x": "1"},
        "Hosts": ["1.2.3.4 a"],
        "DNSConfig": {"Nameservers": ["10.0.0.53"]},
        "ReadOnly": True,
        "Ulimits": [{"Name": "nproc"}],
    }
    task = {
        "ContainerSpec": container,
        "Networks": [{"Target": "n1"}, {"Target": "n2"}],
        "Resources": {"Limits": {"MemoryBytes": 5, "NanoCPUs": 6, "Pids": 7}},
        "RestartPolicy": {"Condition": "none"},
        "LogDriver": {"Name": "local", "Options": {"max-size": "1m"}},
    }
    ports = [
        {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080},
        {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8081},
        {"Protocol": "udp", "TargetPort": 80},
    ]
    service = {"ID": "s1", "Spec": {"Name": "f", "TaskTemplate": task, "EndpointSpec": {"Ports": ports}}}
    found = as_container(service, 1, 1, {"x1": "sk-1", "c1": "a b"}, {"n1": "test-edge"})
    assert found["State"] == {"Running": True, "Status": "running", "Health": {"Status": "healthy"}}
    assert found["Args"] == ["--serve"]
    assert found["Mounts"] == [
        {"Type": "bind", "Name": "/a", "Source": "/a", "Destination": "/b", "Propagation": "rshared"},
        {"Type": "volume", "Name": None, "Source": "", "Destination": None, "Propagation": ""},
    ]
    assert found["NetworkSettings"] == {
        "Networks": {"test-edge": {}, "n2": {}},
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "0.0.0.0", "HostPort": "8081"}],
            "80/udp": [{"HostIp": "0.0.0.0", "HostPort": "0"}],
        },
    }
    assert found["Config"] == {
        "User": "1:1",
        "Hostname": "front",
        "Image": "front@sha256:a",
        "Env": ["A=1", "KEY=sk-1", "None=(not one of the state's)", "ALLOW=a b"],
        "Labels": {"a": "b"},
        "Healthcheck": {"Test": ["CMD", "ok"]},
        "Entrypoint": ["front"],
        "Cmd": ["--serve"],
        "WorkingDir": "/srv",
    }
    assert found["HostConfig"] == {
        **NEVER,
        "CapAdd": ["CHOWN"],
        "CapDrop": ["ALL"],
        "GroupAdd": ["2"],
        "Sysctls": {"net.x": "1"},
        "ExtraHosts": ["1.2.3.4 a"],
        "Dns": ["10.0.0.53"],
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": "size=16m,mode=1777"},
        "Memory": 5,
        "MemorySwap": 5,
        "NanoCpus": 6,
        "PidsLimit": 7,
        "Ulimits": [{"Name": "nproc"}],
        "RestartPolicy": {"Name": "none"},
        "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}},
    }


def test_a_service_is_healthy_when_all_its_tasks_run() -> None:
    states = [as_container(LEAST, running, wanted, {}, {})["State"] for running, wanted in ((1, 2), (2, 2), (3, 2))]
    assert [state["Status"] for state in states] == ["there with 1 of 2 tasks", "running", "running"]
    assert [state["Health"]["Status"] for state in states] == ["unhealthy", "healthy", "healthy"]
    assert all(state["Running"] for state in states)
