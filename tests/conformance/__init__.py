"""The official clients against the gateway: what a user's program would see."""
