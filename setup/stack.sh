# shellcheck shell=bash
# Sourced, after lib.sh, by the scripts that act on a stack: it is known, and the environment is what env.sh prints.

: "${root:?}"
stack=${1:?a stack is needed}
name=${stack##*/}
settings=Pulumi.$name.yaml
python=$root/.venv/bin/python
cd "$root" || exit

if [ ! -e "$settings" ]; then
  known=$(printf '%s\n' Pulumi.*.yaml | sed -E 's/^Pulumi\.(.*)\.yaml$/\1/' | paste -sd, | sed 's/,/, /g')
  die "there is no stack '$stack'. Known ones: $known. Use 'make ... STACK=NAME', or add $settings for a new one."
fi
exports=$(setup/env.sh "$stack")
eval "$exports"

state=
[[ ${PULUMI_BACKEND_URL:-} != file://* ]] || state=$(path_of "$PULUMI_BACKEND_URL")/.pulumi

# explain: what most often makes pulumi fail, looked for afterwards, so that a good run pays nothing for it
explain() {
  setup/engine.sh "$stack" || exit 1
  local said key how
  said=$(timeout 60 pulumi preview --stack "$stack" 2>&1 || true)
  case $said in
    *"incorrect passphrase"*)
      die "this is not the passphrase of the stack '$name'. Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to" \
        "the one that it was made with, or unset both when make made it." ;;
    *"with configuration key '"*"' must be of type '"*) # Pulumi's own check: it names the key, but not the way out
      key=$(sed -n "s/.*with configuration key '\([^']*\)' must be of type.*/\1/p" <<<"$said" | head -n 1)
      case $said in
        *"of type 'array"*) how="--path '${key}[0]' VALUE" ;;
        *"of type 'object"*) how="--path '${key}.NAME' VALUE" ;;
        *) how="$key VALUE" ;;
      esac
      die "the setting '$key' has a value of the wrong type (see above). Fix: pulumi config set --stack $stack $how" ;;
    *"passphrase must be set"*)
      die "the stack '$name' needs its passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE (or PULUMI_CONFIG_PASSPHRASE)." ;;
  esac
  [ -z "$state" ] || "$python" -m setup.state_file "$state" "$name" || exit 1
  "$python" setup/ports.py "$name" || exit 1
  die "pulumi did not finish; its own message is above. Nothing is lost: fix the cause and run 'make $1 STACK=$stack' again."
}

# spare_the_file: what Pulumi writes into a stack's file of its own accord (a salt, quotes) goes into a copy, so that make
# changes no tracked file. With a key service the file holds a data key, which must stay.
spare_the_file() {
  ! grep -q '^secretsprovider:' "$settings" || return 0
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$settings" "$work"
  export PULUMI_OPTION_CONFIG_FILE=$work/$settings
}

# select_or_create TARGET: with a file backend a look at the file is enough to know that the stack is there
select_or_create() {
  if [ -z "$state" ] || ! compgen -G "$state/stacks/*/$name.json" >/dev/null; then
    pulumi stack select --create "$stack" >/dev/null || explain "$1"
    [ -z "${work:-}" ] || cat "$work/$settings" >"$settings" # that command knows no copy
  fi
}
