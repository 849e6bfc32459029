"""The settings of a stack, with the rules between them. setting_fields.py has each of them by itself."""

from functools import cached_property
from typing import Self

from pydantic import ValidationInfo, model_validator

from rules import addresses, certificates, clients, egress_names, engines, keys, lengths, ports, swarm, upstream
from rules.acme import Acme
from rules.refusal import fault, one_too_many
from rules.setting_fields import Fields
from rules.setting_types import CONFIGURED, PREVIOUS, LogLevel, TlsMode


class Settings(Fields):
    """Everything that a stack can be told, when nothing in it contradicts another."""

    @cached_property
    def acme(self) -> Acme | None:
        """How the certificate is asked for by ACME; None when it comes from elsewhere."""
        return Acme(self) if self.tls_mode is TlsMode.ACME else None

    @model_validator(mode="after")
    def _key_is_strong(self) -> Self:
        exposed = self.production or not self.loopback_only
        check = keys.strength_fault if exposed else keys.form_fault
        for name, secret in (("masterKey", self.master_key), ("previousMasterKey", self.previous_master_key)):
            if secret is not None and (problem := check(secret.get_secret_value())):
                raise fault(name, problem)
        if not (self.production or self.master_key or self.key_rotation or self.loopback_only):
            raise fault("masterKey", "must be set: the development key is refused on an address that is not loopback")
        return self

    @model_validator(mode="after")
    def _rotation_is_complete(self) -> Self:
        previous = self.previous_key_rotation or (PREVIOUS if self.previous_master_key else None)
        if self.previous_master_key and self.previous_key_rotation and self.master_key is None:
            twice = "and previousMasterKey both name the previous key; keep one"
            raise fault(*one_too_many("previousKeyRotation", twice))
        if self.master_key and self.master_key == self.previous_master_key:
            raise fault(*one_too_many("previousMasterKey", "equals masterKey, so nothing would be rotated"))
        current = self.key_rotation or (CONFIGURED if self.master_key else None)
        if found := keys.rotation_fault(current, previous, self.previous_key_expires):
            raise fault(*found)
        return self

    @model_validator(mode="after")
    def _transport_is_safe(self, info: ValidationInfo) -> Self:
        if engine := engines.fault(self.docker_host, self.docker_cert_path):
            raise fault(*engine)
        if self.tls_mode is TlsMode.OFF and not self.loopback_only:
            raise fault("tls", "is off, which is for loopback alone: the key would travel in the clear")
        if self.tls_mode is TlsMode.PROVIDED:
            pair, now = (self.tls_certificate, self.tls_private_key), certificates.moment(info.context)
            if problem := certificates.provided_fault(*pair, hostname=self.hostname, now=now):
                raise fault("tlsCertificate", problem)
        if self.acme and (wrong := self.acme.fault()):
            raise fault(*wrong)
        if self.tls_renewal_hours >= self.tls_validity_hours:
            some = max(1, self.tls_validity_hours // 3)
            words = "must be less than tlsValidityHours"
            raise fault("tlsRenewalHours", words, fix=f"pulumi config set tlsRenewalHours {some}")
        if wrong := ports.fault(self.tls_mode, self.port, self.redirect_port, self.metrics_port, self.metrics_address):
            raise fault(*wrong)
        return self

    @model_validator(mode="after")
    def _access_is_limited(self) -> Self:
        exposed_v6 = any(address.version == 6 and not address.is_loopback for address in self.bind_addresses)
        callers = self.allowed_cidrs, self.allow_public_access, self.allow_host and exposed_v6
        known = self.clients, self.models, self.master_key_calls_models
        if problem := addresses.resolver_fault(self.egress_dns):
            raise fault("egressDns", problem)
        if wrong := addresses.access_fault(*callers, self.egress_private_cidrs) or clients.fault(*known):
            raise fault(*wrong)
        return self

    @model_validator(mode="after")
    def _it_can_be_run(self) -> Self:
        if wrong := swarm.fault(self) or addresses.bind_fault(self.bind_addresses) or lengths.fault(self):
            raise fault(*wrong)
        return self

    @model_validator(mode="after")
    def _upstream_is_one(self) -> Self:
        credentials = self.claude_oauth_token, self.anthropic_api_key
        if wrong := upstream.fault(
            *credentials, self.anthropic_base_url or upstream.ANTHROPIC, self.upstream_ca_certificates
        ):
            raise fault(*wrong)
        if wrong := egress_names.list_fault(self.egress_allow, self.upstream[0]):
            raise fault(*wrong)
        return self

    @model_validator(mode="after")
    def _log_and_pool_are_bounded(self) -> Self:
        if self.production and self.log_level is LogLevel.DEBUG:
            raise fault("logLevel", "is DEBUG, which logs requests whole and is refused in production")
        if self.claude_warm_processes > self.claude_max_concurrency:
            all_of_them = f"pulumi config set claudeWarmProcesses {self.claude_max_concurrency}"
            raise fault("claudeWarmProcesses", "must not exceed claudeMaxConcurrency", fix=all_of_them)
        return self
