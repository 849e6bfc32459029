"""Real clients of Claude and OpenAI, asked to do what their users do. Run by tests/conformance/test_clients.py."""
