#!/usr/bin/env bash
# Acts on a stack's running containers. Usage: container.sh STACK {login|logs}
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=setup/stack.sh
. "$(dirname "$0")/stack.sh"

container_of() {
  pulumi stack output "$1_container" --stack "$stack" 2>/dev/null ||
    die "the stack '$stack' is not up. Run 'make up STACK=$stack' first."
}

logs_of() { # KIND NAME; of a service task by task, as rules/docker.py says why
  local tasks task container='{{with .Status.ContainerStatus}}{{if .ContainerID}}{{$.ID}}{{end}}{{end}}'
  [ "$1" = service ] || { docker logs --tail 200 "$2" 2>&1; return; }
  tasks=$(docker service ps --quiet --no-trunc "$2" | xargs -r docker inspect --type task --format "$container") || return
  for task in $tasks; do
    timeout 60 docker service logs --tail 200 "$task" 2>&1 || echo "(there may be more: ask again with make logs STACK=$stack)"
  done
}

case $2 in
  login)
    ! pulumi stack output litellm_service --stack "$stack" >/dev/null 2>&1 ||
      die "a stack on a Swarm has no Claude login, which would belong to one host: it takes claudeOauthToken or anthropicApiKey."
    container=$(container_of litellm)
    [ -t 0 ] || die "the login asks for a code: run 'make login STACK=$stack' in a terminal."
    exec docker exec -it "$container" claude-login
    ;;
  logs)
    containers=$(pulumi stack output --json --stack "$stack" 2>/dev/null | "$python" -c '
import json, sys
for name, value in sorted(json.load(sys.stdin).items()):
    if name.endswith(("_container", "_service")):
        print(*name.rsplit("_", 1), value)' 2>/dev/null) || true
    [ -n "$containers" ] || die "the stack '$stack' is not up. Run 'make up STACK=$stack' first."
    while read -r role kind container; do
      printf '==> %s (%s) <==\n' "$role" "$container"
      logs_of "$kind" "$container" || echo "(it is brought back by: make up STACK=$stack)"
    done <<<"$containers"
    ;;
esac
