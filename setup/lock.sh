#!/usr/bin/env bash
# Locks requirements.in and requirements-dev.in with hashes, the second with the versions of the first; and each tool of
# tools/ that is a Python package by itself.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/setup/python.sh" tools/lock/requirements.lock .toolchain/tools/lock
uv=$root/.toolchain/tools/lock/bin/uv
cd "$root"
compile() { "$uv" pip compile --quiet --upgrade --generate-hashes --universal --no-strip-extras --python-version 3.11 "$@"; }
compile requirements.in -o requirements.lock
compile -c requirements.lock requirements-dev.in -o requirements-dev.lock
for tool in tools/*/requirements.in; do compile "$tool" -o "${tool%.in}.lock"; done
if command -v npm >/dev/null; then
  (cd tools/clients && rm -f package-lock.json && npm install --silent --package-lock-only --ignore-scripts)
fi
say "locked requirements.lock, requirements-dev.lock and the tools; run 'make test' before you commit them"
