"""How long this container waits for Claude; the gateway in front of it waits longer (images/gateway/haproxy.cfg)."""

SILENCE_SECONDS = 600.0
"""How long an upstream may say nothing: before a whole answer, or between two pieces of a stream. One limit for all
routes and credentials."""
