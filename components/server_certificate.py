"""The gateway's certificate: issued by a CA of the stack's own, or provided; components/acme.py has ACME's."""

from ipaddress import ip_address

import pulumi
import pulumi_tls as tls

from components.deployment import Deployment
from rules.setting_types import TlsMode

CA_HOURS = 10 * 365 * 24


class ServerCertificate(pulumi.ComponentResource):
    """Certificate chain and private key in PEM, or None for both while TLS is off or ACME's.

    Managed: a CA and an ECDSA P-256 server certificate (Mozilla's recommendation for both profiles) that the first
    ``up`` after ``tlsRenewalHours`` before its end replaces. All keys are secrets in the state.
    """

    certificate: pulumi.Output[str] | None = None
    private_key: pulumi.Output[str] | None = None
    authority: pulumi.Output[str] | None = None
    """The CA's certificate in PEM, which a managed gateway's clients must trust."""

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:ServerCertificate", name, None, opts)
        settings = deployment.settings
        if settings.tls_mode is TlsMode.PROVIDED and settings.tls_certificate and settings.tls_private_key:
            self.certificate = pulumi.Output.from_input(settings.tls_certificate)
            self.private_key = pulumi.Output.secret(settings.tls_private_key.get_secret_value())
        elif settings.tls_mode is TlsMode.MANAGED:
            self._issue(deployment)
        # The provided one, so that an update knows whether the stack serves it already (ops/certificate.py).
        provided = settings.tls_certificate if settings.tls_mode is TlsMode.PROVIDED else ""
        self.register_outputs({"authority": self.authority, "provided": provided})

    def _issue(self, deployment: Deployment) -> None:
        settings = deployment.settings
        child = pulumi.ResourceOptions(parent=self)

        def key(role: str) -> tls.PrivateKey:
            return tls.PrivateKey(f"{deployment.name}-{role}", algorithm="ECDSA", ecdsa_curve="P256", opts=child)

        ca_key = key("ca")
        ca = tls.SelfSignedCert(
            f"{deployment.name}-ca",
            private_key_pem=ca_key.private_key_pem,
            is_ca_certificate=True,
            subject=tls.SelfSignedCertSubjectArgs(common_name=f"{deployment.name} CA"),
            validity_period_hours=CA_HOURS,
            early_renewal_hours=settings.tls_validity_hours,
            allowed_uses=["cert_signing", "crl_signing"],
            set_subject_key_id=True,
            opts=child,
        )
        server_key = key("server")
        names, addresses = server_names(settings.hostname)
        request = tls.CertRequest(
            f"{deployment.name}-server",
            private_key_pem=server_key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=settings.hostname),
            dns_names=names,
            ip_addresses=addresses,
            opts=child,
        )
        issued = tls.LocallySignedCert(
            f"{deployment.name}-server",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=ca_key.private_key_pem,
            ca_cert_pem=ca.cert_pem,
            validity_period_hours=settings.tls_validity_hours,
            early_renewal_hours=settings.tls_renewal_hours,
            allowed_uses=["digital_signature", "server_auth"],
            set_subject_key_id=True,
            opts=child,
        )
        self.certificate = pulumi.Output.concat(issued.cert_pem, ca.cert_pem)
        self.private_key = pulumi.Output.secret(server_key.private_key_pem)
        self.authority = ca.cert_pem


def server_names(hostname: str) -> tuple[list[str], list[str]]:
    """Returns the DNS names and IP addresses that a certificate for ``hostname`` covers; localhost covers loopback."""
    try:
        return [], [str(ip_address(hostname))]
    except ValueError:
        return [hostname], ["127.0.0.1", "::1"] if hostname == "localhost" else []
