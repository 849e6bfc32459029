"""The Claude CLI as an upstream: a Messages request in, Anthropic's stream events out, from reused processes.

`ClaudePool.events` is the way in; `whole` makes one message of its events. `CliConfig` says how many processes there
may be, who shares them, and where their login lies. `UpstreamError` is the one error that leaves this package.
"""

from claude_gateway.cli.answer import whole
from claude_gateway.cli.environment import CliConfig
from claude_gateway.cli.errors import UpstreamError
from claude_gateway.cli.upstream import ClaudePool
from claude_gateway.config.process_reuse import ProcessReuse

__all__ = ["ClaudePool", "CliConfig", "ProcessReuse", "UpstreamError", "whole"]
