"""Units, and how much there can be of something."""

MOST_REPLICAS = 8
"""LiteLLM containers on one host. The gateway finds twice as many: an update has the old ones beside the new ones."""
MIB = 1024 * 1024
ENVIRONMENT_BYTES = 120 * 1024
"""What one environment variable of a container can carry: Linux takes 128 KiB with its name (MAX_ARG_STRLEN)."""
