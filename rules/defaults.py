"""What holds when a setting says nothing else, and how much there can be of it."""

ANTHROPIC = "https://api.anthropic.com"
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LOGIN_HOSTS = ("console.anthropic.com", "platform.claude.com", "claude.ai")
"""Where the Claude CLI exchanges and refreshes OAuth tokens, besides the API itself."""
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}
MOST_REPLICAS = 8
"""LiteLLM containers on one host. The gateway finds twice as many: an update has the old ones beside the new ones."""
MIB = 1024 * 1024
ENVIRONMENT_BYTES = 120 * 1024
"""What one environment variable of a container can carry: Linux takes 128 KiB with its name (MAX_ARG_STRLEN)."""
