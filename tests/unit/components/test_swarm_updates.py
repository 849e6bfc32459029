"""How services of a Swarm are updated, what their images are called, and what they have in place of one host."""

from typing import Any

from tests.unit.components.conftest import Deploy, plain
from tests.unit.components.test_swarm import (
    CONFIG,
    NETWORK,
    ROLES,
    SECRET,
    SERVICE,
    container,
    everything,
    service,
    up,
)


def test_an_update_starts_the_new_before_the_old_ends_and_goes_back_when_it_fails(deploy: Deploy) -> None:
    graph = everything(deploy)
    for role in (*ROLES, "valkey"):
        one = service(graph, role)
        order = "stop-first" if role == "front" else "start-first"  # a node's port belongs to one task
        assert (one["updateConfig"]["order"], one["rollbackConfig"]["order"]) == (order, order)
        assert one["updateConfig"]["failureAction"] == "rollback"
        assert one["updateConfig"]["parallelism"] == one["rollbackConfig"]["parallelism"] == 1
        # The engine's own: docker service create --update-monitor.
        assert one["updateConfig"]["monitor"] == one["rollbackConfig"]["monitor"] == "5s"
        assert ("convergeConfig" in one) == ("replicated" in one["mode"]), "the provider refuses it for the others"


def test_the_replicas_have_a_start_each_to_become_healthy_one_after_the_other(deploy: Deploy) -> None:
    """As they are updated (parallelism 1); a node has a quarter of an hour to pull the image."""
    for replicas, waited in ((1, "17m"), (3, "21m")):
        graph = up(deploy, replicas=replicas)
        assert container(graph, "litellm")["healthcheck"]["startPeriod"] == "2m"
        assert service(graph, "litellm")["convergeConfig"]["timeout"] == waited


def test_names_are_left_to_pulumi_so_that_a_new_value_can_stand_beside_the_old_one(deploy: Deploy) -> None:
    graph = everything(deploy)
    made = [one for kind in (SERVICE, SECRET, CONFIG, NETWORK) for one in graph.of(kind)]
    assert len(made) > 20
    assert [one.name for one in made if "name" in one.inputs] == []


def test_what_drains_has_the_time_that_the_settings_give_it(deploy: Deploy) -> None:
    graph = up(deploy, drainSeconds=600)
    grace = {role: container(graph, role)["stopGracePeriod"] for role in ROLES}
    assert grace == {"egress": "42m43s", "front": "31s", "gateway": "10m38s", "litellm": "10m38s"}
    replaced = 2 * 900 + 120  # the proxies on all nodes, then the LiteLLMs, which keep their tunnels until they end
    assert container(graph, "egress")["env"]["EGRESS_DRAIN_SECONDS"] == str(replaced + 603)


def test_what_has_a_nodes_port_gives_it_up_at_once_whatever_time_it_has(deploy: Deploy) -> None:
    graph = up(deploy)
    assert {role: container(graph, role).get("stopSignal") for role in ROLES} == {
        **dict.fromkeys(ROLES),
        "front": "SIGKILL",
    }


def test_images_go_through_the_registry_and_are_named_by_digest(deploy: Deploy) -> None:
    graph = up(deploy)
    image = container(graph, "litellm")["image"]
    assert image == f"registry.example.org/llm/litellm-claude/litellm@sha256:{'1' * 64}"
    pushed = {one.name: plain(one.inputs) for one in graph.of("docker:index/registryImage:RegistryImage")}
    assert sorted(pushed) == [f"litellm-claude-prod-{role}" for role in ROLES]
    assert all(one["keepRemotely"] is True for one in pushed.values())
    (tag,) = [plain(one.inputs) for one in graph.of("docker:index/tag:Tag") if one.name.endswith("-litellm")]
    assert tag["targetImage"].startswith("registry.example.org/llm/litellm-claude/litellm:")
    assert tag["sourceImage"] == "sha256:litellm-claude-prod-litellm"


def test_a_ready_image_goes_as_it_is(deploy: Deploy) -> None:
    ready = f"elsewhere.example.org/litellm@sha256:{'2' * 64}"
    graph = up(deploy, egressImage=ready)
    assert container(graph, "egress")["image"] == ready
    names = [
        one.name
        for kind in ("registryImage:RegistryImage", "remoteImage:RemoteImage", "tag:Tag")
        for one in graph.of(f"docker:index/{kind}")
    ]
    assert not any(name.endswith("-egress") for name in names)


def test_replicas_say_which_one_they_are_for_they_have_one_name(deploy: Deploy) -> None:
    graph = up(deploy, replicas=2)
    assert container(graph, "litellm")["env"]["REPLICA"] == "{{.Task.Slot}}"
    assert container(graph, "gateway")["env"]["GATEWAY_REPLICAS_HAVE_NAMES"] == "false"


def test_there_is_no_login_where_there_is_no_one_host(deploy: Deploy) -> None:
    graph = up(deploy)
    one = container(graph, "litellm")
    assert {mount["target"] for mount in one["mounts"]} == {"/tmp", "/run/litellm"}
    assert one["env"]["CLAUDE_CONFIG_DIR"] == "/run/litellm/no-login"


def test_what_nothing_of_a_service_leads_outside_but_the_egress_proxy(deploy: Deploy) -> None:
    graph = everything(deploy)
    dns = {role: container(graph, role).get("dnsConfig") for role in (*ROLES, "valkey")}
    assert dns.pop("egress") is None
    assert set(map(str, dns.values())) == {"{'nameservers': ['127.0.0.1']}"}


def test_an_update_is_waited_for_when_and_only_when_a_service_changes(deploy: Deploy) -> None:
    def waited(**changes: Any) -> dict[str, str]:
        gates = up(deploy, **changes).of("litellm-claude:components:Convergence")
        (gate,) = [one for one in gates if one.name == "convergence"]
        return dict(plain(gate.inputs))

    before = waited()
    assert before == waited()
    assert before.keys() == set(ROLES)

    def changed(**changes: Any) -> set[str]:
        return {role for role, said in waited(**changes).items() if said != before[role]}

    assert changed(port=8443) == {"front", "gateway"}
    assert changed(logLevel="WARNING") == {"litellm"}
    assert changed(keyMaxAgeDays=30) == set()
    ready = f"elsewhere.example.org/egress@sha256:{'2' * 64}"
    assert changed(egressImage=ready) == {"egress", "litellm"}, "no LiteLLM outlives its proxies"


def test_a_litellm_starts_when_the_proxies_that_it_asks_through_are_new_on_all_nodes(deploy: Deploy) -> None:
    graph = up(deploy)
    (gate,) = [one for one in graph.of("litellm-claude:components:Convergence") if one.name == "egress-convergence"]
    assert plain(gate.inputs).keys() == {"egress"}
    labels = {one["label"]: one["value"] for one in container(graph, "litellm")["labels"]}
    assert labels["litellm-claude.egress"] == plain(gate.inputs)["egress"]
    (litellm,) = [one for one in graph.of(SERVICE) if one.name.endswith("-litellm")]
    assert graph.resources.index(gate) < graph.resources.index(litellm)
