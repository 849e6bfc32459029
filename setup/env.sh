#!/usr/bin/env bash
# Prints, as export lines, the environment in which pulumi runs here: eval "$(setup/env.sh STACK)". What the user has set
# is respected: PULUMI_HOME, a backend (variable, login or Pulumi.yaml), a passphrase or a secrets provider. With the stack's
# setting dockerHost, docker's client is pointed at that engine, too.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

stack=${1-}
name=${stack##*/} # of organisation/project/stack
read_stack "$stack"
own_home=$root/.toolchain/home # where the built plugins are
own_state=$(file_url "$root")/.pulumi-state
# What an earlier `make env` has set in this shell, perhaps for another stack, is not the user's.
[[ ${PULUMI_HOME:-} != */.toolchain/home ]] || unset PULUMI_HOME
[ "${PULUMI_BACKEND_URL:-}" != "$own_state" ] || unset PULUMI_BACKEND_URL
[[ ${PULUMI_CONFIG_PASSPHRASE_FILE:-} != "$root"/.pulumi-passphrase-* ]] || unset PULUMI_CONFIG_PASSPHRASE_FILE
credentials=${PULUMI_CREDENTIALS_PATH:-${PULUMI_HOME:-$HOME/.pulumi}}

export_line() { printf 'export %s=%q\n' "$1" "$2"; }

current_login() { sed -n 's/.*"current": *"\([^"]\{1,\}\)".*/\1/p' "$credentials/credentials.json" 2>/dev/null | head -n 1; }

backend() {
  if [ -n "${PULUMI_BACKEND_URL:-}" ]; then
    echo "$PULUMI_BACKEND_URL"
  elif [ -n "${PULUMI_ACCESS_TOKEN:-}" ]; then
    echo "https://" # Pulumi Cloud, wherever it is
  elif [ -n "$given_backend" ]; then
    echo "$given_backend"
  else
    current_login || true
  fi
}

# states: the stack's state in a folder, unpacked; what its name says does not matter, to Pulumi neither
states() {
  local path
  for path in "$(path_of "$backend")"/.pulumi/stacks/{,*/}"$name.json"{,.gz}; do
    [ ! -f "$path" ] || gzip -cd "$path" 2>/dev/null || cat "$path"
  done
}

# Whether secrets of the stack are encrypted already: in its file, or in its state (which alone may hold the salt).
encrypted_already() { [ -n "$given_salt" ] || states | grep '"salt"' >/dev/null; }

# former_name: under which name the stack was made, as its volume's has it; `pulumi stack rename` leaves the passphrase behind
former_name() {
  if [ -n "$given_name" ]; then echo "$given_name"; else
    states | sed -n 's/.*"urn": *".*::litellm-claude-\(.*\)-claude-auth".*/\1/p' | head -n 1
  fi
}

# A passphrase made here is written once, and never printed. One that was made elsewhere cannot be replaced.
passphrase() {
  local file=$root/.pulumi-passphrase-$name former
  if [ ! -s "$file" ]; then
    former=$root/.pulumi-passphrase-$(former_name || true)
    # A copy: the state that says so goes with 'make down', and the former name may become another stack's.
    [ ! -s "$former" ] || (umask 077 && cat "$former" >"$file.new" && mv "$file.new" "$file")
  fi
  if [ ! -s "$file" ]; then
    if ! encrypted_already; then
      [ ! -e "$file" ] || rm "$file" # an empty one
      (umask 077 && head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$file.$$")
      sync "$file.$$" || true # a power cut must not leave the name alone, and what it has encrypted by then
      # Of two that do this at the same time one is second, and takes what the first has made.
      if ln "$file.$$" "$file" 2>/dev/null || { [ ! -e "$file" ] && mv "$file.$$" "$file"; }; then
        say "made a random passphrase for the stack '$name' in $file."
        say "Keep a copy in a safe place: without it this stack's secrets are lost."
      fi
      rm -f "$file.$$"
    elif [ "$name" = dev ] && [ -z "${LITELLM_CLAUDE_RESTORE:-}" ]; then
      (umask 077 && printf development >"$file") # what 0.1 encrypted every development stack with
      say "the stack 'dev' has secrets and no passphrase here: taking the published one of version 0.1, which it may have" \
        "been made with. docs/backends.md says how to change it."
    else
      die "the secrets of the stack '$name' are encrypted with a passphrase that is not here ($(basename "$file") is missing)." \
        "Put it back, or set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE." \
        "If it is lost: docs/operating.md, 'A lost passphrase'."
    fi
  fi
  [ -r "$file" ] || not_allowed "$file"
  export_line PULUMI_CONFIG_PASSPHRASE_FILE "$file"
}

bin=$root/.toolchain/bin
if [ -x "$bin/pulumi" ] && [[ :$PATH: != ":$bin:"* ]]; then
  # shellcheck disable=SC2016 # the shell that evaluates it expands it
  printf 'export PATH=%q:"$PATH"\n' "$bin"
fi
export_line PULUMI_SKIP_UPDATE_CHECK true
[ -n "${PULUMI_LOG_ROTATION_MAX_TOTAL_MB:-}" ] || export_line PULUMI_LOG_ROTATION_MAX_TOTAL_MB 50 # Pulumi's own bound is ten times that
export_line PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER true # a stack's file without a secret needs no salt
export_line BUILDX_NO_DEFAULT_ATTESTATIONS 1 # they hold times: the same build twice would be two images, and a replacement
[ -z "$given_engine" ] || printf '%s\n' "$given_engine"
[ -z "${DOCKER_CONTEXT:-}" ] || echo unset DOCKER_CONTEXT # Pulumi's provider prefers it to any host, dockerHost's too
if [ -z "${PULUMI_HOME:-}" ] && [ -d "$own_home" ]; then
  export_line PULUMI_HOME "$own_home"
  [ -z "$(current_login)" ] || export_line PULUMI_CREDENTIALS_PATH "$credentials"
fi
backend=$(backend)
if [ -z "$backend" ]; then
  (umask 077 && mkdir -p "$root/.pulumi-state") ||
    die "the state cannot be kept in $root/.pulumi-state (see above). Move away what is there, or choose another place: docs/backends.md"
  [ -w "$root/.pulumi-state" ] || not_allowed "$root/.pulumi-state"
  backend=$own_state
  export_line PULUMI_BACKEND_URL "$backend"
elif [[ $backend == file://* ]]; then
  export_line PULUMI_BACKEND_URL "$backend" # a login, too: what looks after the state's files must know where they are
fi
provider=$given_provider
if [ -z "$provider" ] && [[ $backend == http* ]]; then
  provider=service # Pulumi Cloud's own
fi
if [ -z "${PULUMI_CONFIG_PASSPHRASE+set}${PULUMI_CONFIG_PASSPHRASE_FILE:+set}" ] && [[ ${provider:-passphrase} == passphrase ]]; then
  passphrase
fi
