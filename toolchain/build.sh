#!/usr/bin/env bash
# Builds parts of the Pulumi toolchain from the Go module proxy: the CLI with its Python language host into DIR/bin,
# resource plugins into DIR/plugins. Usage: build.sh DIR {cli|docker|random|tls}...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1/bin" "$1/plugins"
target=$(cd "$1" && pwd)
shift
sdk=github.com/pulumi/pulumi/sdk/v3

# step TEXT COMMAND...: names a step that takes minutes, and how long it took.
step() {
  local text=$1 start=$SECONDS
  shift
  echo "toolchain: $text ..." >&2
  "$@"
  echo "toolchain: done in $((SECONDS - start)) s" >&2
}

# go_build LDFLAGS ARGUMENT...: without go's hundreds of lines about what it downloads.
go_build() {
  local ldflags=$1
  shift
  go build -trimpath -buildvcs=false -ldflags "-s -w $ldflags" "$@" 2> >(grep -v '^go: downloading ' >&2)
}

build_cli() {
  cd "$here/cli"
  local version dir
  go mod download "$sdk" # until then its folder has no name
  version=$(go list -m -f '{{.Version}}' "$sdk")
  dir=$(go list -m -f '{{.Dir}}' "$sdk")
  install -m 755 "$dir/python/cmd/pulumi-language-python-exec" "$target/bin/"
  go_build "-X $sdk/go/common/version.Version=$version" -o "$target/bin/" \
    ./pulumi-language-python github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
}

build_plugin() {
  cd "$here/$1"
  go_build "" -o "$target/plugins/pulumi-resource-$1" .
}

for part in "$@"; do
  if [ "$part" = cli ]; then
    step "building the Pulumi CLI and its Python host (about 6 minutes on 2 cores)" build_cli
  else
    step "building the $part plugin (1 to 4 minutes on 2 cores)" build_plugin "$part"
  fi
done
