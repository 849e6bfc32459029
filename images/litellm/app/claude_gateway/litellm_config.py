"""LiteLLM's own configuration, as it is written for it at start-up."""

from __future__ import annotations

from typing import Any

from claude_gateway.settings import ClaudeAuth, Settings

PROVIDER = "claude-sdk"
# Each of these stops a download, a phone-home or a feature that the gateway does not use.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "True",
    "LITELLM_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "DISABLE_ADMIN_UI": "True",
}
API_KEY_VARIABLE = "GATEWAY_UPSTREAM_API_KEY"


def litellm_config(settings: Settings) -> dict[str, Any]:
    """The configuration for `settings`. It holds no secret: those are named as environment variables."""
    return {
        "model_list": [_model(name, upstream, settings) for name, upstream in settings.models.items()],
        "litellm_settings": {
            "telemetry": False,
            "drop_params": settings.drop_params,
            "num_retries": 0,
            "turn_off_message_logging": True,
            "redact_user_api_key_info": True,
            "custom_provider_map": [{"provider": PROVIDER, "custom_handler": "claude_gateway.claude.provider.handler"}],
        },
        # A retry would bill twice, and a cooldown would turn one client's error into an outage for all.
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "model_group_alias": _aliases(settings)},
        "general_settings": {
            "master_key": "os.environ/LITELLM_MASTER_KEY",
            "custom_auth": "claude_gateway.key_hook.user_api_key_auth",
        },
    }


def _aliases(settings: Settings) -> dict[str, Any]:
    """Upstream ids work as names too, unlisted: the Claude Code CLI knows its models only by those."""
    taken = set(settings.models)
    return {
        upstream: {"model": name, "hidden": True} for name, upstream in settings.models.items() if upstream not in taken
    }


def _model(name: str, upstream: str, settings: Settings) -> dict[str, Any]:
    if settings.auth is ClaudeAuth.API_KEY:
        params = {"model": f"anthropic/{upstream}", "api_key": f"os.environ/{API_KEY_VARIABLE}"}
        if settings.base_url:
            params["api_base"] = settings.base_url
        return {"model_name": name, "litellm_params": params}
    # A subscription has no price per token; without these LiteLLM logs an error for each request.
    costs = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    return {
        "model_name": name,
        "litellm_params": {"model": f"{PROVIDER}/{upstream}"},
        "model_info": {"mode": "chat", **costs},
    }
