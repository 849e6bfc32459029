#!/usr/bin/env bash
# Runs a command in a stack's environment (env.sh). Usage: in_env.sh STACK COMMAND...
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"
exports=$(setup/env.sh "$1")
eval "$exports"
shift
exec "$@"
