#!/usr/bin/env bash
# Installs a locked npm package, its hashes checked and no script of its run. Usage: node.sh FOLDER ENVIRONMENT, both relative
# to the working copy; FOLDER has package.json and package-lock.json.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

from=$root/$1
into=$root/$2
command -v npm >/dev/null || die "npm is missing. Install Node.js 20 or newer, then run make again."
if cmp -s "$from/package-lock.json" "$into/.installed-package-lock.json"; then
  exit 0
fi
say "installing $1/package-lock.json into $2 (about a minute)"
mkdir -p "$into"
cp "$from/package.json" "$from/package-lock.json" "$into/"
(cd "$into" && npm ci --ignore-scripts --no-audit --no-fund --silent)
cp "$from/package-lock.json" "$into/.installed-package-lock.json"
