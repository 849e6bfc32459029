#!/usr/bin/env bash
# Unpacks Debian's pebble, an ACME server for tests, into .toolchain/tools/pebble, without installing it, and prints the
# folder of the program. One on PATH is taken first.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

if command -v pebble >/dev/null; then
  dirname "$(command -v pebble)"
  exit 0
fi
folder=$root/.toolchain/tools/pebble
if [ ! -x "$folder/usr/bin/pebble" ]; then
  can_apt || die "pebble is missing. Install it (https://github.com/letsencrypt/pebble), or run make as root on Debian."
  one_at_a_time pebble
  say "unpacking pebble from Debian's package"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 0755 "$work" # apt downloads as a user of its own
  apt-get update -qq >&2
  (cd "$work" && apt-get download -q pebble >&2) || die "apt could not download pebble; its own message is above."
  mkdir -p "$folder"
  dpkg -x "$work"/pebble_*.deb "$folder"
fi
echo "$folder/usr/bin"
