"""The parts of a litellm-claude stack, one component a module."""
