#!/usr/bin/env bash
# Resolves what a stack's operator and its image install for arm64, from the same locks: asks the package index whether
# each package has a wheel for it whose hash the lock holds. Nothing is installed.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$root"
setup/python.sh tools/lock/requirements.lock .toolchain/tools/lock
into=$(mktemp -d)
trap 'rm -rf "$into"' EXIT

# resolved LOCK PYTHON [OPTION]...
resolved() {
  local lock=$1 version=$2 log
  shift 2
  log=$(.toolchain/tools/lock/bin/uv pip install --dry-run --require-hashes --only-binary :all: "$@" --target "$into" \
    --python-platform aarch64-manylinux_2_28 --python-version "$version" --requirement "$lock" 2>&1) ||
    die "$lock does not install on arm64 with Python $version:"$'\n'"$log"
  echo "$lock: $(grep -c '^ + ' <<<"$log") packages for arm64, Python $version"
}

for version in 3.11 3.12 3.13 3.14; do
  resolved requirements.lock "$version" --no-binary sslyze # pure Python, and published as a source alone
done
resolved images/litellm/requirements.lock 3.13 # Debian 13's own
