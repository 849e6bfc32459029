"""The types of the settings: enumerations, and strings whose form carries a rule."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from publicsuffixlist import PublicSuffixList
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr

from rules import container, processors, registry
from rules.addresses import MAPPED
from rules.unquoted_times import day, moment

LABEL_CHARACTERS = 63
"""What a part of a host name has at most (RFC 1035, 2.3.4)."""
NAME_CHARACTERS = 253
"""What a host name has at most, as text (RFC 1035, 2.3.4: 255 octets on the wire)."""
LABEL = re.compile(rf"(?!-)[a-z0-9-]{{1,{LABEL_CHARACTERS}}}(?<!-)")
IMAGE = re.compile(r"(?:[^\s@]+@)?sha256:[0-9a-f]{64}")
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
GENERATION = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:\.[1-9]\d?)?")
FIRST_GENERATION = "initial"
"""What a generated key is called before the first rotation."""
CONFIGURED, PREVIOUS = "configured", "previous"
"""What a configured key, and the one before it, are called where no date is set for it."""
VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
CONSTRAINT = re.compile(r"(?:node|engine)\.[A-Za-z0-9._-]+ ?[=!]= ?[A-Za-z0-9._:/-]+")
ClaudeAuth = container.ClaudeAuth
ProcessReuse = container.ProcessReuse
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")


class Environment(StrEnum):
    """What a stack is for; decides which key it may run with and which protections cannot be turned off."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Orchestrator(StrEnum):
    """What runs the stack's parts: one engine its containers, or a Swarm its services."""

    DOCKER = "docker"
    SWARM = "swarm"


class TlsMode(StrEnum):
    """Where the gateway's certificate comes from; ``OFF`` is plain HTTP and for loopback alone."""

    MANAGED = "managed"
    PROVIDED = "provided"
    ACME = "acme"
    OFF = "off"


class TlsProfile(StrEnum):
    """Mozilla's server-side TLS profiles, version 5.7; ``MODERN`` is TLS 1.3 alone."""

    INTERMEDIATE = "intermediate"
    MODERN = "modern"


class LogLevel(StrEnum):
    """How much LiteLLM says; at ``DEBUG`` it logs requests whole, so production refuses it."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def host_name(value: str) -> str:
    """A DNS name in lower case or an IP address; one name, neither URL nor wildcard (RFC 1123, section 2.1)."""
    name = value.strip().lower().removesuffix(".")
    try:
        return str(ip_address(_written_address(name)))
    except ValueError:
        pass
    labels = name.split(".")
    if len(name) > NAME_CHARACTERS or not all(LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError("must be a host name such as gateway.example.org, without scheme, port, path or wildcard")
    return name


def _domain_name(value: str) -> str:
    """A host name with at least two labels; a leading dot stands for its subdomains (Squid's dstdomain)."""
    bare = value.strip().removeprefix(".")
    name = host_name(bare)
    if "." not in name or _is_address(name):
        raise ValueError("must be a domain name such as api.anthropic.com (or .example.org for all of its subdomains)")
    subdomains = value.strip().startswith(".")
    # Under a public suffix anybody can register a name; a hosting company's own name is at least a single host.
    if _public_suffixes(icann_only=not subdomains).privatesuffix(name) is None:
        raise ValueError(f"must hold names of one owner; anybody can have a name under the public suffix {name}")
    return f".{name}" if subdomains else name


@cache
def _public_suffixes(*, icann_only: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=icann_only)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _address(value: Any) -> Any:
    try:
        address = ip_address(_written_address(value))
    except ValueError:
        raise ValueError("must hold IP addresses such as 127.0.0.1 or ::1") from None
    if isinstance(address, IPv6Address) and address in MAPPED:
        raise ValueError("must hold IPv4 addresses as such, without ::ffff: before them")
    return address


def _network(value: Any) -> Any:
    try:
        network = ip_network(_written_address(value))
    except ValueError:
        raise ValueError(
            "must hold networks such as 10.0.0.0/8 or fd00::/8, with no bit set behind the prefix"
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        raise ValueError("must hold IPv4 networks as such, without ::ffff: before them")
    return network


def _written_address(value: Any) -> str:
    """A number is none, though Python has an address for each (10 would be 0.0.0.10); a zone is of one machine."""
    text = "" if isinstance(value, int | float) else str(value)
    return "" if "%" in text else text


def _of_form(form: re.Pattern[str], words: str) -> AfterValidator:
    """What is written in a form; ``words`` say what it must be."""

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


def _without(fault: Callable[[Any], str | None]) -> AfterValidator:
    """What a rule of its own finds no fault with."""

    def check(value: Any) -> Any:
        if problem := fault(value):
            raise ValueError(problem)
        return value

    return AfterValidator(check)


def _day(value: Any) -> date:
    """A day of the calendar as it is read; a bare number, for pydantic seconds since 1970, is none."""
    written = day(value)
    try:
        return date.fromisoformat(written if ISO_DAY.fullmatch(str(written)) else "")
    except (TypeError, ValueError):
        raise ValueError("must be a valid date such as 2027-03-31") from None


def _moment(value: Any) -> Any:
    written = moment(value)
    if not (isinstance(written, datetime) or ISO_DAY.match(str(written))):  # a bare number: as in _day
        raise ValueError("must be a time such as 2026-11-25T12:00:00Z")
    return written


def _moment_in_utc(value: datetime) -> datetime:
    """Whoever compares times does so in UTC, where the first and the last day of the calendar may be none any more."""
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time such as 2026-11-25T12:00:00Z") from None
    return value


def _generation(value: str) -> str:
    if not GENERATION.fullmatch(value):
        raise ValueError("must be an ISO date, such as 2026-11-24 (2026-11-24.2 for a second one that day)")
    try:
        named = date.fromisoformat(value.partition(".")[0])
    except ValueError:
        raise ValueError("must be a day that the calendar has") from None
    today = datetime.now(UTC).date()
    if named > today + timedelta(days=1):  # a day ahead: another time zone's today
        raise ValueError(f"must not be in the future: the age is counted from that day, and this clock says {today}")
    return value


def _previous_generation(value: str) -> str:
    return value if value == FIRST_GENERATION else _generation(value)


def _model_name(value: str) -> str:
    if not MODEL_NAME.fullmatch(value):
        raise ValueError("must consist of model names (letters, digits, and any of . _ : / -)")
    return value


def without_mark(value: Any) -> Any:
    """PEM text without the byte order mark of some editors, before which HAProxy sees nothing."""
    return value.removeprefix("\ufeff") if isinstance(value, str) else value


StackName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=100)]
Pem = Annotated[str, BeforeValidator(without_mark)]
SecretPem = Annotated[SecretStr, BeforeValidator(without_mark)]
HostName = Annotated[str, AfterValidator(host_name)]
DomainName = Annotated[str, AfterValidator(_domain_name)]
# A tag can be moved after it was checked (CIS Docker 4.2).
ImageDigest = Annotated[str, _of_form(IMAGE, "must name an image by digest, name@sha256:<64 hexadecimal digits>")]
Registry = Annotated[str, _without(registry.fault)]
VolumeName = Annotated[str, _of_form(VOLUME, "must be a volume's name, as docker volume ls shows it, and no path")]
Processors = Annotated[float, Field(ge=0.01, le=1024, allow_inf_nan=False), _without(processors.fault)]
Constraint = Annotated[
    str, _of_form(CONSTRAINT, "must be constraints as Docker's scheduler takes them, such as node.labels.front==yes")
]
Generation = Annotated[str, BeforeValidator(day), AfterValidator(_generation)]
PreviousGeneration = Annotated[str, BeforeValidator(day), AfterValidator(_previous_generation)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_moment_in_utc)]
ModelName = Annotated[str, AfterValidator(_model_name)]
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
