#!/usr/bin/env bash
# Takes a stack down, but for what is protected, and says what stays. Usage: down.sh STACK
# Asks first, except for dev or with CONFIRM=yes.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/../setup/lib.sh"
# shellcheck source=ops/stack.sh
. "$(dirname "$0")/stack.sh"

cat >&2 <<END
Taking down the stack '$stack': containers, networks and the master key go.
The claude-auth volume with the Claude login stays; the next 'make up STACK=$stack' adopts it again,
as it does what tls: acme has got from the CA.
END
if [ "$name" != dev ]; then
  cat >&2 <<END
Clients get no answers from now on, and a generated master key will be another one after the next 'up'.
Protected resources stay in the state too. To delete the login for good: log out of Claude (or revoke the token), then
'pulumi state unprotect --all --stack $stack', 'make down STACK=$stack' and 'docker volume rm' the volume.
END
fi
yes=()
if [ "$name" = dev ] || [ "${CONFIRM:-}" = yes ]; then
  yes=(--yes --skip-preview)
elif [ ! -t 0 ]; then
  die "taking down '$stack' asks first, and there is no terminal to ask on. Run 'make down STACK=$stack CONFIRM=yes'."
fi
spare_the_file
repair down
"$python" -m ops.reconcile --before-down "$stack" || explain down # a container that the state does not know would hold the networks
"$python" -m ops.guests "$stack" || exit 1
pulumi destroy --stack "$stack" --exclude-protected ${yes[@]+"${yes[@]}"} || explain down
"$python" -m ops.prune "$stack" "$state"
images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' 'litellm-claude/*' | grep -E -- ":[0-9a-f]{12}-${made_as//./[.]}\$" | paste -sd' ' - || true)
[ -z "$images" ] || echo "Its images stay for the next 'make up'. To delete them: ${DOCKER_HOST:+env DOCKER_HOST=$DOCKER_HOST }docker image rm $images" >&2
