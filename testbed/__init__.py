"""What tests and benchmarks stand on: stacks, containers, hosts in namespaces, and fakes of what is outside."""
