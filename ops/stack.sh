# shellcheck shell=bash disable=SC2034 # up.sh and down.sh ask for some of it
# Sourced, after lib.sh, by the scripts that act on a stack: it is known, and the environment is what env.sh prints.

: "${root:?}"
stack=${1-}
name=${stack##*/}
settings=Pulumi.$name.yaml
python=$root/.venv/bin/python
cd "$root" || exit

state='' given_name='' given_orchestrator='' given_provider=''
known=$(setup/env.sh "$stack" for-scripts)
eval "$known"
made_as=${given_name:-$name} # behind litellm-claude- in the names of all that the stack has; another one once it was renamed

# explain TARGET [SAID]: says what most often makes pulumi fail, and ends the script
explain() {
  [ -z "${work:-}" ] || [ -e "$work/$settings" ] ||
    die "somebody has emptied ${TMPDIR:-/tmp} meanwhile, where the settings of '$stack' lay. Run 'make $1 STACK=$stack' again."
  setup/engine.sh "$stack" || exit 1
  "$python" -m ops.explain "$stack" "$1" "$state" "${2:-}"
  exit 1
}

# repair TARGET: what a killed update left in the files of a state; what keeps pulumi from that is explained as at any time
repair() {
  local status=0
  [ -n "$state" ] || return 0
  "$python" -m ops.repair_file_backend "$state" "$stack" || status=$?
  [ "$status" != 3 ] || explain "$1"
  [ "$status" = 0 ] || exit 1
}

# spare_the_file: what Pulumi writes into a stack's file of its own accord (a salt, quotes) goes into a copy, so that make
# changes no tracked file. With a key service the file holds a data key, which must stay.
spare_the_file() {
  [ -z "$given_provider" ] || return 0
  { work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cp "$settings" "$work"; } ||
    die "nothing can be written to ${TMPDIR:-/tmp} (see above). Make room there, or choose another folder: export TMPDIR=/var/tmp"
  export PULUMI_OPTION_CONFIG_FILE=$work/$settings
}

# select_or_create TARGET: with a file backend a look at the file is enough to know that the stack is there
select_or_create() {
  if [ -z "$state" ] || ! { compgen -G "$state/stacks/*/$name.json" || compgen -G "$state/stacks/*/$name.json.gz"; } >/dev/null; then
    local said
    [ -z "$state" ] || "$python" -m ops.look_at_state "$state" "$stack" || exit 1
    said=$(pulumi stack select --create "$stack" 2>&1) || {
      printf '%s\n' "$said" >&2
      explain "$1" "$said"
    }
    [ -z "${work:-}" ] || cat "$work/$settings" >"$settings" # that command knows no copy
  fi
}
