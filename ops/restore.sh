#!/usr/bin/env bash
# Restores a stack from a backup, in a working copy and on an engine that do not have it. Usage: restore.sh STACK FILE [ENGINE]
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/../setup/lib.sh"

stack=$1
file=${2:-}
python=$root/.venv/bin/python
cd "$root"
[ -n "$file" ] || die "which backup? Name it: make restore STACK=$stack FILE=NAME"

# The backup's own settings say where the secrets' key and the engine are; the stack has no file here yet.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
engine=(${3:+--engine="$3"})
"$python" -m ops.backup_file "$stack" "$file" ${engine[@]+"${engine[@]}"} >"$work/settings.yaml"
exports=$(LITELLM_CLAUDE_RESTORE=$work/settings.yaml setup/env.sh "$stack")
eval "$exports"
setup/engine.sh
setup/base_image.sh
"$python" -m ops.restore "$stack" "$file" ${engine[@]+"${engine[@]}"}
