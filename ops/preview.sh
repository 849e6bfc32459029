#!/usr/bin/env bash
# Shows what an update of a stack would change. Usage: preview.sh STACK
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/../setup/lib.sh"
# shellcheck source=ops/stack.sh
. "$(dirname "$0")/stack.sh"

spare_the_file
select_or_create preview
todo=$("$python" -m ops.before_up --look "$stack") || exit 1
export LITELLM_CLAUDE_ACCEPT_EXPIRED_CERTIFICATE=1 # one that is new to the stack has just been refused
shown=$(mktemp)
trap 'rm -rf "$shown" "${work:-$shown}"' EXIT # with the copy of the stack's file (stack.sh)
color=''
[ ! -t 1 ] || color=always
# A preview saves no state, and yet Pulumi makes all of it anew after each step, only to drop it: 500 clients take 8 s, not 3.
export PULUMI_SKIP_CHECKPOINTS=true
pulumi preview --stack "$stack" ${color:+--color "$color"} | tee "$shown" || explain preview
"$python" -m ops.notice "$stack" <"$shown" || true # what was asked for has been shown
[ -z "$todo" ] || say "$todo"
