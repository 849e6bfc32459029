"""What the container is told: environment variables and files in, validated settings out."""
