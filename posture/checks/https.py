"""Encryption on the way in: certificate, protocol, ciphers, and no way around it."""

# ruff: noqa: D103 - a check's title says what it does

import ssl
import warnings
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store

from posture import acme
from posture.context import Context
from posture.edge import STRANGE
from posture.model import Outcome, Severity, check, excepted, failed, not_applicable, passed, verdict, warned
from posture.running import environment_of
from rules import certificates
from rules.layout import GATEWAY_PLAIN_PORT, short
from rules.setting_types import TlsMode

PAGE = "security page: Use HTTPS in production"
OFF = "TLS is off: loopback of a development stack"


def _chain(context: Context) -> tuple[list[x509.Certificate], str, str | None]:
    """The running gateway's certificates and its key, from what it was started with; by ACME without the key."""
    if context.settings.acme:
        return x509.load_pem_x509_certificates(context.edge.certificate.encode()), context.edge.certificate, None
    environment = environment_of(context.live("gateway"))
    pem = environment.get("GATEWAY_TLS_CERTIFICATE", "")
    return x509.load_pem_x509_certificates(pem.encode()), pem, environment.get("GATEWAY_TLS_PRIVATE_KEY", "")


@check(
    "https.on",
    "Whoever is not on this machine must use TLS",
    source=PAGE,
    remediation="pulumi config set tls managed --stack {stack}; make up STACK={stack}",
    fast=True,
)
def on(context: Context) -> Outcome:
    environment = environment_of(context.live("gateway"))
    if environment.get("GATEWAY_TLS") == "on":
        return passed("the gateway speaks TLS")
    if context.settings.loopback_only and not context.settings.production:
        return excepted(OFF)
    return failed("the gateway does not speak TLS")


@check(
    "https.certificate",
    "The certificate served is the declared one and fits key and name",
    source=f"{PAGE}; RFC 9525",
    fast=True,
)
def certificate(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    (leaf, *_), pem, key = _chain(context)
    if context.declaration.certificate not in (pem, None):
        return failed("the gateway was started with another certificate than the declared one")
    fault = certificates.pair_fault(pem, key, hostname=context.settings.hostname, now=None)
    if fault:
        return failed(f"the certificate {fault}")
    answer = context.probe("edge")["health"]
    if answer.error.startswith(STRANGE):
        return failed(f"at the published port {answer.error}")
    return passed(f"for {context.settings.hostname}, SHA-256 {short(leaf.fingerprint(SHA256()).hex())}")


@check("https.chain", "The certificate is signed by a CA that clients can trust", source=f"{PAGE}; RFC 5280")
def chain(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    (leaf, *others), _, _ = _chain(context)
    managed = context.settings.tls_mode is TlsMode.MANAGED
    if managed:
        anchors = x509.load_pem_x509_certificates((context.declaration.authority or "").encode())
    else:
        anchors = _system_store()
    try:
        if managed:
            (authority,) = anchors
            leaf.verify_directly_issued_by(authority)
        else:
            _verify(context, leaf, others, anchors)
    except Exception as error:  # noqa: BLE001 - cryptography raises many
        if managed:
            return failed(f"the certificate is not signed by the stack's own CA ({type(error).__name__})")
        if context.settings.acme:
            *_, last = leaf, *others
            issuer = last.issuer.rfc4514_string()
            return warned(f"the CA of acmeDirectory ({issuer}) is not one that this machine trusts; its clients must")
        return warned(_open_end(leaf, others))
    return passed("signed by the stack's own CA" if managed else "signed by a CA of this machine's store")


def _system_store() -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that are none of ours
        system = ssl.create_default_context().get_ca_certs(binary_form=True)
        return [x509.load_der_x509_certificate(der) for der in system]


def _open_end(leaf: x509.Certificate, others: list[x509.Certificate]) -> str:
    """Says where a chain ends that leads to no CA of this machine's store."""
    top, by_name = leaf, {other.subject: other for other in others}
    while top.issuer != top.subject and top.issuer in by_name:
        top = by_name.pop(top.issuer)
    issuer = top.issuer.rfc4514_string()
    if top.issuer == top.subject:
        return f"the certificate's CA ({issuer}) is not one that this machine trusts; its clients must"
    return (
        f"the chain ends at {top.subject.rfc4514_string()}, and its issuer {issuer} is not in it: a client must trust "
        "exactly that issuer. If it is an intermediate one, append its certificate to tlsCertificate"
    )


def _verify(
    context: Context, leaf: x509.Certificate, others: list[x509.Certificate], anchors: list[x509.Certificate]
) -> None:
    name = context.settings.hostname
    try:
        subject: x509.DNSName | x509.IPAddress = x509.IPAddress(ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    verifier = PolicyBuilder().store(Store(anchors)).time(context.now.replace(tzinfo=None))
    verifier.build_server_verifier(subject).verify(leaf, others)


@check(
    "https.days-left",
    "The certificate does not run out soon",
    source="Mozilla server-side TLS 5.7: lifespan",
    severity=Severity.MEDIUM,
    remediation="make up STACK={stack} renews a managed certificate; by ACME see https.acme; a provided one first: "
    "pulumi config set tlsCertificate --stack {stack} < FILE",
)
def days_left(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    (leaf, *_), _, _ = _chain(context)
    end: datetime = leaf.not_valid_after_utc
    if context.now < leaf.not_valid_before_utc:  # a clock was ahead when it was made, or this one is behind
        return failed(f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC by this machine's clock")
    left = (end - context.now) / timedelta(days=1)
    hours: float = context.settings.tls_renewal_hours if context.settings.tls_mode is TlsMode.MANAGED else 14 * 24
    if context.settings.acme:  # renewed by itself with a third of its time left, which may be days
        hours = (end - leaf.not_valid_before_utc) / timedelta(hours=4)
    text = f"valid until {end:%Y-%m-%d}, {left:.0f} days" if left > 0 else f"expired on {end:%Y-%m-%d}"
    return passed(text) if left * 24 > hours else failed(text)


@check(
    "https.acme",
    "The CA gives a new certificate when one is due",
    source="RFC 8555; Let's Encrypt: renew with a third of the lifetime left",
    severity=Severity.MEDIUM,
    remediation="correct what the CA names, then: {docker} kill --signal USR1 the container that make logs "
    "STACK={stack} calls acme, which asks at once",
)
def asked(context: Context) -> Outcome:
    if context.settings.acme is None:
        return not_applicable("the certificate is not got by ACME")
    told = acme.state(context.declaration, context.engine)
    if told["state"] == "failed":
        return failed(f"{told['said']}; tried {told['times']} times")
    return passed("it is renewed by itself") if told["ends"] else failed("there is none yet")


@check(
    "https.profile",
    "Protocols, ciphers, curves and known flaws follow Mozilla's profile",
    source="Mozilla server-side TLS 5.7, scanned by sslyze",
)
def profile(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    if not context.edge.expected and not context.probe("edge")["health"].status:
        return not_applicable("this machine is not an allowed source; run the check on one that is")
    issues = context.probe("tls")
    # https.chain judges the chain, because the stack's own CA is in no public store; the lifespan is tlsValidityHours.
    issues = {
        name: text
        for name, text in issues.items()
        if name not in ("certificate_path_validation", "maximum_certificate_lifespan")
    }
    return verdict(sorted(issues.values()), f"nothing departs from the profile {context.settings.tls_profile.value}")


@check(
    "https.hsts",
    "Browsers are told to stay on HTTPS",
    source="Mozilla server-side TLS 5.7: HSTS of 2 years",
    severity=Severity.MEDIUM,
)
def hsts(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    answer = context.probe("edge")["health"]
    if not answer.status:
        return (
            failed(answer.error) if context.edge.expected else not_applicable("this machine is not an allowed source")
        )
    found = answer.headers.get("strict-transport-security", "")
    return passed(found) if "max-age=63072000" in found else failed("strict-transport-security is missing or short")


@check("https.no-plaintext", "No port answers plain HTTP", source=PAGE, fast=True)
def no_plaintext(context: Context) -> Outcome:
    if context.settings.tls_mode is TlsMode.OFF:
        return not_applicable(OFF)
    problems = []
    answer = context.edge.get("/healthz", encrypted=False)
    if answer.status not in (0, 400):
        problems.append(f"port {context.edge.port} answers plain HTTP with {answer}")
    redirect = context.settings.redirect_port
    ports = context.live("front")["NetworkSettings"]["Ports"] or {}
    bound = [port for port, hosts in ports.items() if port.startswith(f"{GATEWAY_PLAIN_PORT}/") and hosts]
    if bound and not redirect:
        problems.append("the plain port is published")
    if redirect:
        answer = context.edge.get("/v1/models", encrypted=False, port=redirect)
        if answer.status and (answer.status != 308 or not answer.headers.get("location", "").startswith("https://")):
            problems.append(f"port {redirect} answers with {answer} instead of a redirect to https")
    return verdict(problems, "nothing, or a redirect to https alone")
