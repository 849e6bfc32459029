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
      status=0
      # A manager that has just lost a node, or found it again, may wait for its logs for ever (Docker 20.10).
      timeout 60 docker "$kind" logs --tail 200 "$container" 2>&1 || status=$?
      case $status in
        0) ;;
        124) echo "(not all of it came within 60 s, as after a node was lost; ask again: make logs STACK=$stack)" ;;
        *) echo "(it is brought back by: make up STACK=$stack)" ;;
      esac
    done <<<"$containers"
    ;;
esac
