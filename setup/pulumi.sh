#!/usr/bin/env bash
# Sees to the Pulumi CLI and its plugins: those of a bundle (bundle_open.py); else the CLI on PATH, else Pulumi's own
# installer, else a build of toolchain/; the plugins by Pulumi's own download, else the built ones. Says which way it took; a
# second run does nothing.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's#^\tgithub.com/pulumi/pulumi/sdk/v3 v##p' "$root/toolchain/cli/go.mod" | head -n 1)
plugins=(docker random tls)
store=$root/.toolchain
stamp=$store/pulumi.stamp
sizes=$store/pulumi.sizes # of the files that were put here, with their paths below the working copy
sources=$(cd "$root" && find toolchain -type f | LC_ALL=C sort | xargs cat | sha256sum | cut -d' ' -f1)
[[ ${PULUMI_HOME:-} != */.toolchain/home ]] || unset PULUMI_HOME # `make env` has set it, perhaps in another working copy
key="$sources ${PULUMI_HOME:-}"
how= # as long as the download site may be asked

plugin_version() { sed -n "s/^pulumi-$1==//p" "$root/requirements.in"; }

# fits COMMAND: 3.200 or newer of the same major version, with the host that runs Python programs
fits() {
  local found
  found=$("$1" version 2>/dev/null) || return 1
  [[ $found =~ ^v3\.([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 200 ] && command -v pulumi-language-python >/dev/null
}

official_cli() {
  local script
  script=$(curl --fail --silent --show-error --location --connect-timeout 5 --max-time 20 https://get.pulumi.com 2>/dev/null) &&
    timeout 120 sh -s -- --version "$version" --install-root "$store" --no-edit-path <<<"$script" >/dev/null 2>&1 &&
    "$store/bin/pulumi" version >/dev/null 2>&1
}

files_of() { # PART: are they there?
  [ "$1" = cli ] || { [ -x "$store/plugins/pulumi-resource-$1" ]; return; }
  [ -x "$store/bin/pulumi" ] && [ -x "$store/bin/pulumi-language-python" ] && [ -x "$store/bin/pulumi-language-python-exec" ]
}

# built PART...: each part of toolchain/ at most once for the same sources
built() {
  local go='' part
  for part in "$@"; do
    [ "$(cat "$store/built-$part" 2>/dev/null)" = "$sources" ] && files_of "$part" && continue
    [ -n "$go" ] || go=$("$root/setup/go.sh") || exit 1 # it has said why
    PATH="$go:$PATH" GOTOOLCHAIN=${GOTOOLCHAIN:-auto} "$root/toolchain/build.sh" "$store" "$part" ||
      die "the build of the Pulumi toolchain failed (the reason is above). What is built is kept: run make again to go on."
    printf '%s\n' "$sources" >"$store/built-$part"
  done
}

# from_bundle: what was unpacked, where the built ones would be; it must be of this toolchain/
from_bundle() {
  local bundle=$store/bundle part
  [ "$(cat "$bundle/toolchain/of" 2>/dev/null)" = "$sources" ] || return 1
  mkdir -p "$store/bin" "$store/plugins"
  ln -f "$bundle"/toolchain/pulumi{,-language-python,-language-python-exec} "$store/bin/"
  ln -f "$bundle"/toolchain/pulumi-resource-* "$store/plugins/"
  for part in cli "${plugins[@]}"; do printf '%s\n' "$sources" >"$store/built-$part"; done
}

find_cli() {
  if from_bundle; then
    how="out of the bundle"
    say "Pulumi CLI: $version, $how, in .toolchain/bin"
  elif fits pulumi; then
    rm -rf "${store:?}/bin" "$store/built-cli"
    say "Pulumi CLI: $(command -v pulumi) $(pulumi version), which is on PATH"
  elif official_cli; then
    rm -f "$store/built-cli"
    say "Pulumi CLI: $version from Pulumi's own installer, in .toolchain/bin"
  else
    say "Pulumi CLI: its download site does not answer, so it is built from the Go module proxy"
    say "this takes 10 to 15 minutes on 2 cores, once; an interrupted build goes on where it stopped"
    how=built
    built cli "${plugins[@]}"
    say "Pulumi CLI: $version, built, in .toolchain/bin"
  fi
}

downloaded_plugins() {
  local plugin
  [ -z "$how" ] || return 1
  for plugin in "${plugins[@]}"; do
    timeout 60 pulumi plugin install resource "$plugin" "$(plugin_version "$plugin")" >/dev/null 2>&1 || return 1
  done
}

# In a PULUMI_HOME of this working copy, unless the user has one: in ~/.pulumi the built plugins would stand in for the
# official ones in other projects.
built_plugins() {
  local plugin wanted has
  export PULUMI_HOME=${PULUMI_HOME:-$store/home}
  mkdir -p "$PULUMI_HOME"
  built "${plugins[@]}"
  for plugin in "${plugins[@]}"; do
    wanted=$(plugin_version "$plugin")
    has=$("$store/plugins/pulumi-resource-$plugin" -version)
    [ "$wanted" = "${has#v}" ] || die "requirements.in asks for pulumi-$plugin $wanted, toolchain/$plugin/main.go serves $has." \
      "Set them to the same version (and go.mod to the release of the Terraform provider that it wraps)."
    pulumi plugin install resource "$plugin" "$wanted" --reinstall --file "$store/plugins/pulumi-resource-$plugin" \
      >/dev/null 2>&1 || die "could not install the $plugin plugin into $PULUMI_HOME. Is that folder writable?"
  done
}

export PULUMI_SKIP_UPDATE_CHECK=true
# `make env` puts a .toolchain/bin there, and what counts as the user's own is the rest
PATH=$(tr : '\n' <<<"$PATH" | grep -v '/\.toolchain/bin$' | paste -sd: -)
home() {
  if [ -z "${PULUMI_HOME:-}" ] && [ -d "$store/home" ]; then echo "$store/home"; else echo "${PULUMI_HOME:-$HOME/.pulumi}"; fi
}
folder_of() { echo "$(home)/plugins/resource-$1-v$(plugin_version "$1")"; } # PLUGIN

# measured FILE...: for each that is there a line `SIZE PATH`, or `SIZEx PATH` when it can be started
measured() (
  cd "$root"
  for file in "$@"; do
    [ -f "$file" ] || continue
    size=$(wc -c <"$file")
    [ ! -x "$file" ] || size+=x
    echo "${size// /} $file"
  done
)
note_sizes() {
  local plugin file files=()
  for file in "$store"/{bin,plugins}/*; do files+=("${file#"$root/"}"); done
  for plugin in "${plugins[@]}"; do
    for file in "$(folder_of "$plugin")"/*; do files+=("${file#"$root/"}"); done
  done
  measured "${files[@]}" >"$sizes.new" && mv "$sizes.new" "$sizes"
}
# damaged: the files that are gone, or not as they were put here
damaged() {
  local path files=()
  while read -r _ path; do files+=("$path"); done <"$sizes"
  { grep -vxFf <(measured "${files[@]}") "$sizes" || true; } | while read -r _ path; do echo "$path"; done
}

# all_there: nothing was removed or cut since, such as by `pulumi plugin rm` or a full disk
all_there() {
  local plugin
  [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] && PATH="$store/bin:$PATH" command -v pulumi >/dev/null || return 1
  for plugin in "${plugins[@]}"; do
    [ -d "$(folder_of "$plugin")" ] || return 1
  done
  [ -s "$sizes" ] || note_sizes # an earlier version made none
  [ -z "$(damaged)" ]
}

# drop_damaged: so that it is put here again; what it was made of in a bundle must be brought again
drop_damaged() {
  local path
  cd "$root"
  damaged | while read -r path; do
    say "$path is not as it was put here: it is made anew"
    rm -f "$path"
    case $path in */resource-*/*) rm -rf "${path%/*}" ;; esac
    if [ -e "$store/bundle/toolchain/${path##*/}" ]; then
      rm -f "$store/bundle/manifest.json"
      die "$path came in a bundle. Bring it here again: make up BUNDLE=FILE"
    fi
  done
}

if all_there; then
  exit 0
fi
one_at_a_time pulumi
if all_there; then
  exit 0
fi
[ ! -s "$sizes" ] || drop_damaged
rm -f "$stamp" "$sizes"
find_cli
PATH="$store/bin:$PATH"
if downloaded_plugins; then
  rm -rf "${store:?}/home"
  say "Pulumi plugins: downloaded"
else
  built_plugins
  say "Pulumi plugins: ${how:-built}, in $PULUMI_HOME"
fi
sync # a power cut must not leave the notes alone
note_sizes
printf '%s\n' "$key" >"$stamp"
