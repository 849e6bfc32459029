"""Who may share a CLI process. Apart from the CLI's own modules, because the settings are also read without them."""

from enum import StrEnum


class ProcessReuse(StrEnum):
    """Who may share a process of the Claude CLI, one request after another."""

    CLIENT = "client"  # the requests of one client
    STACK = "stack"  # all requests
    OFF = "off"  # nobody: a process serves one request
