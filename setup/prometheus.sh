#!/usr/bin/env bash
# Unpacks Debian's prometheus and promtool into .toolchain/tools/prometheus, without installing its service, and prints the
# folder of the programs. Those on PATH are taken first.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
  dirname "$(command -v promtool)"
  exit 0
fi
folder=$root/.toolchain/tools/prometheus
if [ ! -x "$folder/usr/bin/promtool" ]; then
  can_apt || die "promtool is missing. Install Prometheus (https://prometheus.io/download/), or run make as root on Debian."
  one_at_a_time prometheus
  say "unpacking prometheus from Debian's package"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 0755 "$work" # apt downloads as a user of its own
  apt-get update -qq >&2
  (cd "$work" && apt-get download -q prometheus >&2) || die "apt could not download prometheus; its own message is above."
  mkdir -p "$folder"
  dpkg -x "$work"/prometheus_*.deb "$folder"
fi
echo "$folder/usr/bin"
