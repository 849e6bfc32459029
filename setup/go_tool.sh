#!/usr/bin/env bash
# Builds a tool of tools/ into .toolchain/tools, from the versions that its go.mod and go.sum lock, and prints its path.
# A tool that is there already costs nothing. Usage: go_tool.sh NAME
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

name=$1
module=$root/tools/$name
tool=$root/.toolchain/tools/$name
[ -f "$module/go.mod" ] || die "there is no tool '$name' in tools/."
locked=$(cat "$module/go.mod" "$module/go.sum" | sha256sum)
if [ -x "$tool" ] && [ "$(cat "$tool.stamp" 2>/dev/null)" = "$locked" ]; then
  echo "$tool"
  exit 0
fi
one_at_a_time "$name"
package=$(sed -n 's/^tool //p' "$module/go.mod")
go=$("$root/setup/go.sh")
PATH=$go:$PATH
say "building $name from the Go module proxy ($(sed -n 's/^\/\/ takes //p' "$module/go.mod" | grep . || echo 'half a minute'), once)"
(cd "$module" && GOTOOLCHAIN=${GOTOOLCHAIN:-auto} go build -mod=readonly -trimpath -ldflags '-s -w' -o "$tool" "$package" \
  2> >(grep -v '^go: downloading ' >&2)) || die "$name could not be built; Go's own message is above."
printf '%s\n' "$locked" >"$tool.stamp"
echo "$tool"
