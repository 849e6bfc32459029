#!/usr/bin/env bash
# Prints one output of a stack, or says which there are. Usage: output.sh STACK NAME
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/../setup/lib.sh"
# shellcheck source=ops/stack.sh
. "$(dirname "$0")/stack.sh"

output=${2-}
refused() { # what pulumi said
  printf '%s\n' "$1" >&2
  "$python" -m ops.explain "$stack" "output NAME=$output" "$state" "$1"
  exit 1
}
if [[ $output =~ ^[a-z_]+$ ]]; then # nothing is an option, and no name is all of them, secrets too
  { said=$(pulumi stack output "$output" --show-secrets --stack "$stack" 2>&1 >&3) && exit 0; } 3>&1
  [[ $said == *"does not have output property"* ]] || refused "$said"
fi
all=$(pulumi stack output --json --stack "$stack" 2>&1) || refused "$all"
there=$("$python" -c 'import json, sys; print(", ".join(json.load(sys.stdin)))' <<<"$all")
[ -n "$there" ] || die "the stack '$stack' is not up. Run 'make up STACK=$stack' first."
die "the stack '$stack' has no output '$output'; there are: $there. Example: make output NAME=url STACK=$stack"
