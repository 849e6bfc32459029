"""Answers from the Claude CLI: translation, one process, the pool, errors, LiteLLM's provider."""
