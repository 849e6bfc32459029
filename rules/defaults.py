"""What holds when a setting says nothing else."""

ENVIRONMENT_BYTES = 120 * 1024
"""What one environment variable of a container can carry: Linux takes 128 KiB with its name (MAX_ARG_STRLEN)."""

ANTHROPIC = "https://api.anthropic.com"
LOGIN_HOSTS = ("console.anthropic.com", "platform.claude.com", "claude.ai")
"""Where the Claude CLI exchanges and refreshes OAuth tokens, besides the API itself."""
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}
