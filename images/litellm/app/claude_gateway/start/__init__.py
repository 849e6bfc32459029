"""How the container starts: settings, LiteLLM, the server, and the commands beside it."""
