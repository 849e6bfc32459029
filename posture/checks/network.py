"""Who can reach whom."""

# ruff: noqa: D103 - a check's title says what it does

from ipaddress import ip_network

from posture.context import Context
from posture.inside import REFUSED
from posture.model import Outcome, check, failed, not_applicable, passed, verdict, warned
from posture.running import environment_of, name_of
from rules.addresses import public_fault

PAGE = "security page: Limit access"


@check(
    "network.published",
    "The front alone publishes a port, on the declared addresses",
    source=f"{PAGE}; CIS Docker 5.9",
    fast=True,
)
def ports(context: Context) -> Outcome:
    front, published = context.declared("front"), context.running.published()
    problems = []
    for name, found in published.items():
        if name != front.name:
            problems.append(f"{name} publishes {_shown(found)}")
        elif found != front.ports:
            problems.append(f"{name} publishes {_shown(found)}, declared is {_shown(front.ports)}")
    if front.name not in published:
        problems.append("the front publishes nothing")
    return verdict(problems, f"{front.name}: {_shown(published.get(front.name, set()))}")


def _shown(found: set[tuple[str, int, int]]) -> str:
    return ", ".join(f"{address}:{port}" for address, port, _ in sorted(found)) or "nothing"


@check("network.allow-list", "The allow-list in force is the declared one", source=PAGE, fast=True)
def allow_list(context: Context) -> Outcome:
    declared = {str(network) for network in context.settings.allowed_cidrs}
    found = {str(ip_network(entry, strict=False)) for entry in context.probe("allow-list")}
    problems = [f"{entry} is allowed by hand" for entry in sorted(found - declared)]
    problems += [f"{entry} is declared, but not in force" for entry in sorted(declared - found)]
    return verdict(
        problems, ", ".join(sorted(found)) or "no network; the host's own processes alone, if allowHost is true"
    )


@check(
    "network.public",
    "The whole internet is not on the allow-list",
    source=PAGE,
    remediation="pulumi config rm allowedCidrs --stack {stack}, set those that may call (pulumi config set "
    "--stack {stack} --path 'allowedCidrs[0]' 10.0.0.0/8), pulumi config rm allowPublicAccess --stack {stack}, "
    "make up STACK={stack}",
    fast=True,
)
def public(context: Context) -> Outcome:
    everyone = public_fault(context.settings.allowed_cidrs)
    return warned(f"allowedCidrs {everyone}") if everyone else passed("no large part of the internet")


@check(
    "network.outsider",
    "A caller outside the allow-list is refused before TLS",
    source=f"{PAGE}; tried from a throw-away container",
)
def outsider(context: Context) -> Outcome:
    got = context.probe("outsider")
    text = f"a container beside the front got: {got}"
    return failed(text) if got == "answered" else passed(text)


@check("network.host-refused", "The host's own processes are refused unless allowHost is true", source=PAGE, fast=True)
def host_refused(context: Context) -> Outcome:
    if context.settings.allow_host or not context.engine.local:
        return not_applicable(
            "allowHost is true" if context.settings.allow_host else "the engine is on another machine"
        )
    got = context.probe("edge")["health"]
    return failed(f"this machine was answered with {got}") if got.status else passed("this machine gets no answer")


def not_closed(context: Context, role: str, *networks: str) -> list[str]:
    """What keeps a container from being on these networks alone, and these from being closed to host and internet."""
    names = {str(context.declaration.networks[network]["name"]): network for network in networks}
    attached = set(context.live(role)["NetworkSettings"]["Networks"])
    problems = [f"{role} is on {name} too" for name in sorted(attached - set(names))]
    for name, network in names.items():
        found = context.running.networks.get(name)
        if found is None or not found["Internal"]:
            problems.append(f"the {network} network is not internal")
        elif (
            found.get("Driver") != "overlay"
            and (found.get("Options") or {}).get("com.docker.network.bridge.inhibit_ipv4") != "true"
        ):
            problems.append(f"the host has an address on the {network} network")
        elif found.get("Driver") != "overlay" and found.get("EnableIPv6"):  # which inhibit_ipv4 does not keep away
            problems.append(f"the host has an IPv6 address on the {network} network")
    return problems


def others_on(context: Context, network: str, *roles: str) -> list[str]:
    """Who is on a network besides the containers of these roles."""
    name, known = str(context.declaration.networks[network]["name"]), {context.declared(role).id for role in roles}
    return [
        f"{name_of(c)} is on {name}"
        for c in context.running.containers
        if name in c["NetworkSettings"]["Networks"] and c["Id"] not in known
    ]


@check("network.backend-closed", "LiteLLM stands on closed networks alone", source="design: networks", fast=True)
def backend_closed(context: Context) -> Outcome:
    roles = ["backend", *(["limits"] if "limits" in context.declaration.networks else [])]
    names = " and ".join(str(context.declaration.networks[role]["name"]) for role in roles)
    return verdict(not_closed(context, context.replica, *roles), f"on {names}, internal and without the host")


@check("network.gateway-closed", "The gateway stands on closed networks alone", source="design: networks", fast=True)
def gateway_closed(context: Context) -> Outcome:
    roles = ["door", "backend", *(["challenge"] if "challenge" in context.declaration.networks else [])]
    names = " and ".join(str(context.declaration.networks[role]["name"]) for role in roles)
    return verdict(not_closed(context, "gateway", *roles), f"on {names}, internal and without the host")


@check(
    "network.limits-closed",
    "Valkey, where replicas count together, is reached by LiteLLM alone",
    source="design: networks",
    fast=True,
)
def limits_closed(context: Context) -> Outcome:
    declared = context.declaration.networks.get("limits")
    if declared is None:
        return not_applicable("one LiteLLM container counts by itself, without Valkey")
    problems = not_closed(context, "valkey", "limits")
    problems += others_on(context, "limits", "valkey", *context.declaration.replicas)
    return verdict(problems, f"on {declared['name']} with LiteLLM, internal and without the host")


@check(
    "network.acme-closed",
    "What asks for certificates is apart from LiteLLM, and reaches the CA and the DNS provider alone",
    source="design: networks",
    fast=True,
)
def acme_closed(context: Context) -> Outcome:
    asked = context.settings.acme
    if asked is None:
        return not_applicable("the certificate is not got by ACME")
    roles = ["acme", *(["challenge"] if "challenge" in context.declaration.networks else [])]
    problems = not_closed(context, "acme", *roles)
    environment = environment_of(context.live("acme-egress"))
    found, declared = set(environment["EGRESS_ALLOW"].split(",")), set(asked.outside[0])
    problems += [f"{name} is allowed" for name in sorted(found - declared)]
    return verdict(problems, f"on closed networks, and let through to {', '.join(sorted(found))}")


@check(
    "network.door-shut",
    "The front and the gateway alone are on the network that carries clients' addresses",
    source="PROXY protocol: accept it from known sources alone",
    remediation="{disconnect}, then make up STACK={stack}",
)
def door_shut(context: Context) -> Outcome:
    door = str(context.declaration.networks["door"]["name"])
    return verdict(others_on(context, "door", "front", "gateway"), f"{door} holds the front and the gateway alone")


@check(
    "network.no-internet",
    "LiteLLM has no way to the internet or to cloud metadata",
    source="OWASP SSRF Prevention; design: networks",
    fast=True,
)
def no_internet(context: Context) -> Outcome:
    found = context.inside.default_routes
    return verdict([f"there is a way out through {way}" for way in found], "nobody answers for a next hop to anywhere")


@check(
    "network.no-host",
    "LiteLLM cannot reach the host",
    source="design: networks (internal networks reach the host's listeners)",
)
def no_host(context: Context) -> Outcome:
    found = context.inside.neighbours
    problems = [f"the host answers at {address}" for address, answered in found.items() if answered]
    return verdict(problems, f"no answer at {len(found)} addresses of the host's bridges")


@check(
    "network.no-dns",
    "LiteLLM resolves no name of the outside",
    source="design: networks (a forwarded name is a tunnel out)",
)
def no_dns(context: Context) -> Outcome:
    return verdict(
        [f"{name} resolves" for name, found in context.inside.names.items() if found], "no outside name resolves"
    )


@check(
    "network.egress-refuses",
    "The egress proxy refuses every other name, port and address",
    source="OWASP SSRF Prevention: allow-list",
)
def egress_refuses(context: Context) -> Outcome:
    tunnels = {name: status for name, status in context.inside.tunnels.items() if name != "allowed"}
    allowed = context.settings.egress_hosts
    if REFUSED in allowed:
        tunnels.pop("other name")
    problems = [f"{name}: {status}" for name, status in tunnels.items() if status != 403]
    return verdict(problems, f"403 for {', '.join(tunnels)}")


@check(
    "network.egress-list",
    "The egress proxy runs with the declared list of names",
    source="OWASP SSRF Prevention: allow-list",
    fast=True,
)
def egress_list(context: Context) -> Outcome:
    environment = environment_of(context.live("egress"))
    found, declared = set(environment["EGRESS_ALLOW"].split(",")), set(context.settings.egress_hosts)
    return verdict([f"{name} is allowed" for name in sorted(found - declared)], ", ".join(sorted(found)))


@check(
    "network.egress-passes",
    "The egress proxy passes the model API's name",
    source="design: networks",
    remediation="make logs STACK={stack}: the egress proxy says why",
)
def egress_passes(context: Context) -> Outcome:
    got, (name, _) = context.inside.tunnels["allowed"], context.settings.upstream
    if got == 200:
        return passed(f"a tunnel to {name} opens (and nothing is sent through it)")
    if got in (502, 503, 504, "TimeoutError"):  # the proxy waits longer for a network than this check does for it
        return warned(f"{name} is allowed, but cannot be reached from here at the moment ({got})")
    return failed(f"a tunnel to {name} is answered with {got}")
