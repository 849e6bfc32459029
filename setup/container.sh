#!/usr/bin/env bash
# Acts on a stack's running containers. Usage: container.sh STACK {login|logs}
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=setup/stack.sh
. "$(dirname "$0")/stack.sh"

# known [--all]: a line `ROLE KIND NAME` for each service or container of the stack that runs, or for all. The engine is asked, because
# a stack's outputs are those of the last update that passed, if one has.
known() {
  local role='index .Spec.Labels "litellm-claude.role"' label
  label=label=litellm-claude.stack=litellm-claude-$(made_as)
  if [ "$(scalar "$settings" orchestrator)" = swarm ]; then
    docker service ls --quiet --filter "$label" | xargs -r docker service inspect --format "{{$role}} service {{.Spec.Name}}"
  else
    docker ps "$@" --filter "$label" --format '{{.Label "litellm-claude.role"}} container {{.Names}}'
  fi | sort | grep . || die "the stack '$stack' is not up. Run 'make up STACK=$stack' first."
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
    [ "$(scalar "$settings" orchestrator)" != swarm ] ||
      die "a stack on a Swarm has no Claude login, which would belong to one host: it takes claudeOauthToken or anthropicApiKey."
    containers=$(known)
    container=$(awk '$1 == "litellm" {print $3; exit}' <<<"$containers")
    [ -t 0 ] || die "the login asks for a code: run 'make login STACK=$stack' in a terminal."
    exec docker exec -it "$container" claude-login
    ;;
  logs)
    containers=$(known --all)
    while read -r role kind container; do
      printf '==> %s (%s) <==\n' "$role" "$container"
      logs_of "$kind" "$container" || true # docker has said why
    done <<<"$containers"
    ;;
esac
