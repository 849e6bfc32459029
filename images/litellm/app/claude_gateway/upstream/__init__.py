"""Where answers come from: Anthropic over HTTPS, or the Claude CLI; both take and give Anthropic's Messages API."""
