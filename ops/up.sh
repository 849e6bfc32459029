#!/usr/bin/env bash
# Brings a stack up and says how to use it. Usage: up.sh STACK
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/../setup/lib.sh"
# shellcheck source=ops/stack.sh
. "$(dirname "$0")/stack.sh"

# What serves goes first: without this an update on the engine's own machine makes its clients wait.
renice -n 10 -p $$ >/dev/null 2>&1 || true

spare_the_file
select_or_create up
repair up
todo=$("$python" -m ops.before_up "$stack") || exit 1
[ "$given_orchestrator" != swarm ] || "$python" -m ops.try_registry "$stack"
export LITELLM_CLAUDE_ACCEPT_EXPIRED_CERTIFICATE=1 # one that is new to the stack has just been refused
running() { # the ids of containers; of services the version too, which a change of one raises
  local label
  label=label=litellm-claude.stack=litellm-claude-$made_as
  if [ "$given_orchestrator" = swarm ]; then
    docker service ls --quiet --filter "$label" | xargs -r docker service inspect --format '{{.ID}} {{.Version.Index}}'
  else
    docker ps --quiet --no-trunc --filter "$label"
  fi 2>/dev/null | sort
}
before=$(running)
pulumi up --stack "$stack" --yes --skip-preview || {
  "$python" -m ops.reconcile --after-failure "$stack" || true # it has said why
  explain up
}
"$python" -m ops.prune "$stack" "$state" & # beside the last look
pruning=$!
pulumi stack output --json --stack "$stack" | "$python" -m ops.summary "$stack"
# Once more after the check inside the update, where a container is another one than before. A no-op has to be quick, and
# asks just as a client would.
if [ -n "$before" ] && [ "$before" = "$(running)" ]; then
  # One that hangs is known as such only now.
  "$python" -m posture.ask "$stack" 2>/dev/null || { "$python" -m ops.reconcile "$stack" && "$python" -m posture.ask "$stack"; } || exit 1
else
  "$python" -m posture --stack "$stack" --brief ||
    die "the stack '$stack' is up, but not secure (see above). All checks: make verify STACK=$stack"
fi
wait "$pruning"
# A rotation is done when the key is another one, whatever the certificate's day.
[ -z "$todo" ] || [ -n "${LITELLM_CLAUDE_ROTATING:-}" ] || die "the stack '$stack' is up, but $todo"
[ -z "$todo" ] || say "$todo"
