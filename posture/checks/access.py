"""Who is answered, and what: tried at the gateway and, from inside, at LiteLLM itself."""

# ruff: noqa: D103 - a check's title says what it does

from ipaddress import ip_address

from posture import caller_address
from posture.context import Context
from posture.edge import NOT_SERVED, NOT_THE_API, Answer
from posture.model import Outcome, Status, check, excepted, failed, not_applicable, passed, verdict
from rules.keys import DEVELOPMENT_KEY

PAGE = "security page"
REFUSED = (401, 429)
"""429 is the gateway's answer to a wrong key after too many failures: refused all the same."""


def _asked(context: Context) -> dict[str, Answer] | Outcome:
    """The gateway's answers; or the outcome, when this machine got none."""
    answers: dict[str, Answer] = context.probe("edge")
    health = answers["health"]
    if health.status:
        return answers
    if context.edge.expected or "certificate" in health.error:
        return failed(f"the gateway gives this machine {health.error}")
    return not_applicable("this machine is not an allowed source; run the check on one that is")


@check(
    "access.sources",
    "A caller's address is its own, because the engine's firewall rules are there",
    source="design: sources (docker-proxy serves a port without NAT, and whoever it serves looks like this machine)",
    remediation="systemctl restart docker, which writes its rules anew, or refuse this machine: "
    "pulumi config set allowHost false --stack {stack}, make up STACK={stack}",
)
def caller_addresses(context: Context) -> Outcome:
    address = caller_address.outward(context.edge)
    if address is None:
        return not_applicable("nothing but loopback leads to the port from here")
    found = caller_address.seen(context.edge, context.engine, context.live("gateway")["Id"], address)
    if found is None:
        return passed(f"at {address} this machine is refused as any other outside allowedCidrs")
    text = f"this machine's call at {address} came from {found}"
    return failed(f"{text}: so do those of outsiders") if ip_address(found).is_loopback else passed(text)


@check("access.key-works", "The declared key is accepted", source="docs/clients.md", fast=True)
def key_works(context: Context) -> Outcome:
    if context.inside.keys["current"] != 200:
        return failed(f"LiteLLM answers the declared key with {context.inside.keys['current']}")
    asked = _asked(context)
    if isinstance(asked, Outcome):
        return asked
    return verdict(
        [] if asked["current"].status == 200 else [f"the gateway answers the declared key with {asked['current']}"],
        "200 at LiteLLM and at the gateway",
    )


def _refusal(context: Context, *names: str) -> Outcome:
    inside = context.inside.keys
    at_litellm = {"development": DEVELOPMENT_KEY}
    problems = [
        f"LiteLLM answers a {name} key with {inside[at_litellm.get(name, name)]}"
        for name in names
        if inside[at_litellm.get(name, name)] != 401
    ]
    asked = _asked(context)
    if isinstance(asked, Outcome):
        if problems:
            return failed("; ".join(problems))
        return asked if asked.status is Status.FAIL else passed("401 at LiteLLM")
    problems += [f"the gateway answers a {name} key with {asked[name]}" for name in names if not _refused(asked[name])]
    return verdict(problems, "401 at LiteLLM and refused at the gateway")


def _refused(answer: Answer) -> bool:
    """One that is dropped, too: whoever floods the gateway from this machine must not keep an update from passing."""
    return answer.status in REFUSED or answer.dropped


@check("access.no-key", "A request without a key is refused", source=f"{PAGE}: Authentication flow", fast=True)
def no_key(context: Context) -> Outcome:
    return _refusal(context, "none")


@check("access.wrong-key", "A wrong key is refused", source=f"{PAGE}: Authentication flow", fast=True)
def wrong_key(context: Context) -> Outcome:
    return _refusal(context, "wrong")


@check(
    "access.malformed-key",
    "A malformed key is refused with 401, not an error",
    source="RFC 9110, 15.5.2 (LiteLLM's proxy without its database client: 500)",
    fast=True,
)
def malformed_key(context: Context) -> Outcome:
    return _refusal(context, "malformed")


@check(
    "access.known-keys",
    "The keys of public documentation are refused",
    source=f"{PAGE}: Production; LiteLLM's examples",
    fast=True,
)
def known_keys(context: Context) -> Outcome:
    answered = context.inside.keys["sk-1234"]
    wrong = "" if answered == 401 else f"LiteLLM answers sk-1234 with {answered}"
    previous = context.declared(context.replica).environment.get("LITELLM_PREVIOUS_MASTER_KEY")
    if DEVELOPMENT_KEY in (context.declaration.key, previous) and not context.settings.production:
        whose = "previous" if previous == DEVELOPMENT_KEY else "own"  # whether that one has ended, key.previous says
        own = excepted(f"{DEVELOPMENT_KEY} is this development stack's {whose} key")
        return failed(wrong) if wrong else own
    outcome = _refusal(context, "development")
    return failed(f"{wrong}; {outcome.evidence}") if wrong else outcome


@check(
    "access.model-api-only",
    "Nothing but the model API answers",
    source="design: the model API and nothing else (LiteLLM's proxy: 29 operations answer without a key)",
    fast=True,
)
def model_api_only(context: Context) -> Outcome:
    asked = _asked(context)
    if isinstance(asked, Outcome):
        return asked
    return verdict(
        [f"{path} is answered with {asked[path]}" for path in NOT_THE_API if asked[path].status not in NOT_SERVED],
        f"{len(NOT_THE_API)} paths of LiteLLM's are refused, even with the key",
    )
