"""What holds when a setting says nothing else, and how much there can be of it."""

ANTHROPIC = "https://api.anthropic.com"
LOGIN_HOSTS = ("console.anthropic.com", "platform.claude.com", "claude.ai")
"""Where the Claude CLI exchanges and refreshes OAuth tokens, besides the API itself."""
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}
MOST_REPLICAS = 8
"""LiteLLM containers on one host. The gateway finds twice as many: an update has the old ones beside the new ones."""
