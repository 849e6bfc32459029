#!/usr/bin/env bash
# Locks requirements.in and requirements-dev.in with hashes, the second with the versions of the first.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

tools=$root/.toolchain/lock-tools
[ -x "$tools/bin/uv" ] || {
  "$root/.venv/bin/python" -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check uv
}
cd "$root"
compile() { "$tools/bin/uv" pip compile --quiet --upgrade --generate-hashes --universal --no-strip-extras --python-version 3.11 "$@"; }
compile requirements.in -o requirements.lock
compile -c requirements.lock requirements-dev.in -o requirements-dev.lock
say "locked requirements.lock and requirements-dev.lock; run 'make test' before you commit them"
