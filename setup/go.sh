#!/usr/bin/env bash
# Prints the bin folder of a Go that can build toolchain/: the one on PATH, which may fetch a newer one through the module
# proxy by itself (Go 1.21 and later); else Debian's, which on Debian 12 is too old for that and is helped along.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

wanted=$(sed -n 's/^go //p' "$root/toolchain/cli/go.mod" | head -n 1)
minor() { go version | sed -E 's/^go version go1\.([0-9]+).*/\1/'; }

if ! command -v go >/dev/null; then
  can_apt || die "building the Pulumi toolchain needs Go. Install Go 1.21 or newer (https://go.dev/doc/install)," \
    "or Pulumi itself (https://www.pulumi.com/docs/install/), and run make again."
  apt_install golang-go
fi
if [ "$(minor)" -ge 21 ]; then
  dirname "$(command -v go)"
  exit 0
fi

# Before 1.21, go does not know toolchain modules, but downloads and verifies them as it does any other.
module=golang.org/toolchain@v0.0.1-go$wanted.$(go env GOOS)-$(go env GOARCH)
goroot=$root/.toolchain/go$wanted
if [ ! -x "$goroot/bin/go" ]; then
  say "$(go version | cut -d' ' -f3) is too old for the toolchain: fetching Go $wanted through the module proxy"
  dir=$(cd "$(mktemp -d)" && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') || dir=
  [ -n "$dir" ] || die "could not fetch Go $wanted. Install Go 1.21 or newer (https://go.dev/doc/install), and run make again."
  rm -rf "$goroot.new"
  mkdir -p "$root/.toolchain"
  cp -r "$dir" "$goroot.new"
  chmod -R u+w "$goroot.new"
  chmod +x "$goroot.new"/bin/* "$goroot.new"/pkg/tool/*/* # a module cannot say that a file is executable
  find "$goroot.new" -name _go.mod -execdir mv {} go.mod \; # nor hold another module's go.mod
  mv "$goroot.new" "$goroot"
fi
echo "$goroot/bin"
