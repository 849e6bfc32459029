"""LiteLLM with Claude behind it: what runs in the LiteLLM container.

`entry` validates the environment and starts `server`, which puts `asgi` (authentication, health, disconnects) in front
of LiteLLM's own application. `claude` is the provider that answers through the Claude CLI.
"""
