"""What is behind the gateway: one Claude credential, and where it is sent. Pure functions."""

from pydantic import SecretStr

from rules import certificates, credentials, https_url
from rules.refusal import Refusal, one_too_many

ANTHROPIC = "https://api.anthropic.com"
LOGIN_HOSTS = ("console.anthropic.com", "platform.claude.com", "claude.ai")
"""Where the Claude CLI exchanges and refreshes OAuth tokens, besides the API itself."""


def fault(
    token: SecretStr | None, api_key: SecretStr | None, base_url: str, authorities: str | None
) -> Refusal | tuple[str, str] | None:
    """Returns which setting of the upstream is wrong, and what is, or None."""
    if token and api_key:
        return one_too_many(
            "anthropicApiKey", "and claudeOauthToken are both set, but a stack has one Claude credential"
        )
    for name, secret in {"claudeOauthToken": token, "anthropicApiKey": api_key}.items():
        if secret is not None and (problem := credentials.fault(name, secret.get_secret_value())):
            return name, problem
    url = https_url.outside(base_url)
    if url is None or url.path.strip("/"):
        return "anthropicBaseUrl", "must be an https URL of a full host name, without path or credentials"
    if authorities and (problem := certificates.bundle_fault(authorities)):
        return "upstreamCaCertificates", problem
    return None
