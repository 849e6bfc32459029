"""What holds when a setting says nothing else, and how much there can be of it."""

from collections.abc import Mapping

ENVIRONMENT_BYTES = 120 * 1024
"""What one environment variable of a container can carry: Linux takes 128 KiB with its name (MAX_ARG_STRLEN)."""

ANTHROPIC = "https://api.anthropic.com"
LOGIN_HOSTS = ("console.anthropic.com", "platform.claude.com", "claude.ai")
"""Where the Claude CLI exchanges and refreshes OAuth tokens, besides the API itself."""
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}
MOST_REPLICAS = 8
"""LiteLLM containers on one host. The gateway finds twice as many: an update has the old ones beside the new ones."""


def length_fault(handed_over: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns which of the settings, with their texts as a container gets them, is too long, and why."""
    long = next((name for name, text in handed_over.items() if len(text.encode()) > ENVIRONMENT_BYTES), None)
    words = f"is too long to be handed to a container: at most {ENVIRONMENT_BYTES // 1024} KiB"
    return (long, words) if long else None
