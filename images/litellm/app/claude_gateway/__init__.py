"""A gateway to Claude that speaks OpenAI's and Anthropic's APIs: what runs in the LiteLLM container.

A request meets `front` (authentication, bounds, the contract), is translated by LiteLLM where it is in OpenAI's
dialect, and is answered by an `upstream`: Anthropic's API, or the Claude CLI (`cli`). `start` brings it all up, with
what `config` has read of the environment. Each knows those below it alone (`make lint`).
"""
