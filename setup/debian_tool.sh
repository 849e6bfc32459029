#!/usr/bin/env bash
# Unpacks a tool of the tests, or for a try, from Debian's package into .toolchain/tools, without installing it or its service,
# and prints the folder of its programs. Those on PATH are taken first. Usage: debian_tool.sh pebble|prometheus|docker-registry
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

package=${1:?usage: debian_tool.sh pebble|prometheus|docker-registry}
case $package in
pebble) programs=(pebble) home=https://github.com/letsencrypt/pebble ;; # an ACME server
prometheus) programs=(promtool prometheus) home=https://prometheus.io/download/ ;;
docker-registry) programs=(docker-registry) home=https://distribution.github.io/distribution/ ;;
*) die "there is no tool '$package' from Debian here." ;;
esac
if [ "$(command -v "${programs[@]}" | wc -l)" = "${#programs[@]}" ]; then
  dirname "$(command -v "${programs[0]}")"
  exit 0
fi
folder=$root/.toolchain/tools/$package
if [ ! -x "$folder/usr/bin/${programs[0]}" ]; then
  can_apt || die "${programs[0]} is missing. Install $package ($home), or run make as root on Debian."
  one_at_a_time "$package"
  say "unpacking $package from Debian's package"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 0755 "$work" # apt downloads as a user of its own
  apt-get update -qq >&2
  (cd "$work" && apt-get download -q "$package" >&2) || die "apt could not download $package; its own message is above."
  mkdir -p "$folder"
  dpkg -x "$work/$package"_*.deb "$folder"
fi
echo "$folder/usr/bin"
