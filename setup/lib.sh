# shellcheck shell=bash
# Sourced by the scripts of setup/ and ops/: where things are, and how they speak.

unset CDPATH # with it, `cd` may go elsewhere, and print where
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A closed channel is one that nobody reads: no program here would know what to do without.
{ : >&2; } || exec 2>/dev/null
{ : >&1; } 2>/dev/null || exec >/dev/null

# What a shell may lack (cron, systemd), and what would make the stack's Python another one, or a stricter one.
HOME=${HOME:-~}
export HOME
unset PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONPLATLIBDIR PYTHONOPTIMIZE PYTHONWARNINGS PYTHONINSPECT
# What is asked of docker is for the engine's own platform, and of images that are named by digest or made here.
unset DOCKER_DEFAULT_PLATFORM DOCKER_CONTENT_TRUST

# What macOS lacks of GNU's. A program may ignore an alarm of its own (Go's do), so that it is one of its parent's.
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256; }
command -v timeout >/dev/null || timeout() {
  perl -e 'my $s = shift; my $p = fork // exit 125; if (!$p) { exec @ARGV; exit 127 }
    $SIG{ALRM} = sub { kill "TERM", $p; waitpid $p, 0; exit 124 }; alarm $s; waitpid $p, 0; exit($? >> 8 || $? && 1)' "$@"
}

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

[ -d "${TMPDIR:-/tmp}" ] || die "TMPDIR=$TMPDIR in this shell is no folder. Fix: unset TMPDIR"

# stack_is_named STACK: as Pulumi takes it, [[ORGANISATION/]PROJECT/]NAME or ORGANISATION/NAME
stack_is_named() {
  local part='[A-Za-z0-9._][A-Za-z0-9._-]*' project
  project=$(scalar "$root/Pulumi.yaml" name)
  [[ $1 =~ ^($part/){0,2}$part$ ]] ||
    die "'$1' is no stack name: letters, digits, '.', '_' and '-'. Example: make up STACK=dev"
  [[ $1 != */*/* || $1 == */"$project"/* ]] ||
    die "'$1' is a stack of another project than $project, which is the one here. Use STACK=${1##*/}"
}

# stack_is_known STACK: it has a file of settings, which the scripts here can read as Pulumi does
stack_is_known() {
  local known file=Pulumi.${1##*/}.yaml
  stack_is_named "$1"
  if [ -e "$root/$file" ] || [ -L "$root/$file" ]; then
    [ -f "$root/$file" ] ||
      die "$file is a folder, or a link that leads nowhere: the settings of the stack '$1' belong there, in a file. See: ls -ld $file"
    [ -r "$root/$file" ] || not_allowed "$root/$file"
    ! LC_ALL=C grep -qE $'^(\xff\xfe|\xfe\xff)' "$root/$file" ||
      die "$file is UTF-16, of which the scripts here read nothing. Fix: iconv -f UTF-16 -t UTF-8 $file >$file.new && mv $file.new $file"
    ! grep -qE "^[^ ]*config: *\{ *[^} ]|^$(below_config "$root/$file")(litellm-claude:)?($READ_HERE): *([][*&{|>!]|\$)" "$root/$file" ||
      die "$file has its settings in braces, or one of ${READ_HERE//|/, } not as a plain word behind its name: the scripts here read them, and no more of YAML. Write each setting on a line of its own, as Pulumi.prod.yaml does."
    return 0
  fi
  known=$(cd "$root" && printf '%s\n' Pulumi.*.yaml | sed -E 's/^Pulumi\.(.*)\.yaml$/\1/' | paste -sd, - | sed 's/,/, /g')
  die "there is no stack '$1'. Known ones: $known. Use 'make ... STACK=NAME', or add $file for a new one."
}

is_root() { [ "${SETUP_ASSUME_UID:-$(id -u)}" = 0 ]; }

# can_apt: whether packages can be installed here: root, on Debian or one of its kin.
can_apt() { is_root && command -v apt-get >/dev/null; }

# apt_install PACKAGE...: apt's own output appears only when it fails.
apt_install() {
  local log
  say "installing $* with apt (about a minute)"
  export DEBIAN_FRONTEND=noninteractive
  log=$( (apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@") 2>&1 9>&-) || # a service that it starts holds no lock
    die "apt could not install $*. Its last lines:"$'\n'"$(printf '%s\n' "$log" | tail -n 5)"
}

# not_allowed PATH: this user may not read or change it
not_allowed() {
  local owner
  owner=$(find "$1" -maxdepth 0 -exec ls -ld {} + | awk '{print $3}')
  die "$1 belongs to $owner, and $(id -un 2>/dev/null || id -u) may not use it. Run make as $owner (sudo -u $owner make ...), or in a copy of your own."
}

# one_at_a_time NAME: waits until no other make does the same step in this working copy.
one_at_a_time() {
  mkdir -p "$root/.toolchain"
  [ -w "$root/.toolchain" ] || not_allowed "$root/.toolchain"
  command -v flock >/dev/null || return 0 # macOS has none
  exec 9>"$root/.toolchain/$1.lock"
  flock --nonblock 9 || { say "waiting for another make, which is at the same step ($1)" && flock 9; }
}

# new_enough PYTHON, and find_python: what the project runs with
new_enough() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# file_url PATH, and path_of URL: a blank may stand in Pulumi's file:// URL, but not what has a meaning there
file_url() {
  local path=${1//%/%25}
  path=${path//\#/%23}
  echo "file://${path//\?/%3F}"
}
path_of() {
  local path=${1#file://}
  path=${path%%\?*} # options of the backend
  path=${path/#\~/$HOME}
  printf '%b\n' "${path//%/\\x}"
}

# plain: the first line of what comes in, without quotes, comment and CR
plain() {
  head -n 1 | tr -d '\r' | sed -E -e "s/^\"([^\"]*)\".*/\1/" -e t -e "s/^'([^']*)'.*/\1/" -e t -e 's/ +#.*//' -e 's/ +$//'
}

# What scripts read of a stack's file, besides Pulumi.
READ_HERE='dockerHost|dockerCertPath|orchestrator|name'

# below_config SETTINGS: what stands before a setting below `config:`, as an expression
below_config() {
  local below
  below=$({ sed -n '/^[^ ]*config:/,/^[^ #]/s/^\( \{1,\}\)[^ #].*/\1/p' "$1" 2>/dev/null || true; } | head -n 1)
  echo "${below:- *}"
}

# scalar SETTINGS NAME: a plain value of the stack's file, at its top or right below `config:` (a client may be called as a
# setting is); set-up runs before Python can read YAML
scalar() {
  { sed -n -E "s/^($(below_config "$1"))?(litellm-claude:)?$2: *//p" "$1" 2>/dev/null || true; } | plain
}

# engine_of SETTINGS: what docker's client needs for the engine that a stack's file names, as lines NAME VALUE; without one,
# for that of the docker context in use, which Pulumi's provider does not know
engine_of() {
  local host certificates
  host=$(scalar "$1" dockerHost)
  certificates=$(scalar "$1" dockerCertPath)
  if [ -z "$host$certificates${DOCKER_HOST:-}" ] &&
    { [ -n "${DOCKER_CONTEXT:-}" ] || grep -qs '"currentContext"' "${DOCKER_CONFIG:-$HOME/.docker}/config.json"; }; then
    read -r host certificates < <(docker context inspect --format '{{.Endpoints.docker.Host}} {{.Storage.TLSPath}}/docker' 2>/dev/null) ||
      true
    [ -d "$certificates" ] || certificates=
  fi
  [ -n "$host" ] || return 0
  echo "DOCKER_HOST $host"
  [ -z "$certificates" ] || printf '%s\n' "DOCKER_CERT_PATH $certificates" "DOCKER_TLS_VERIFY 1"
}

# use_engine_of STACK: point docker's client at it, for the rest of the script
use_engine_of() {
  local variable value
  while read -r variable value; do export "$variable=$value"; done < <(engine_of "$root/Pulumi.${1##*/}.yaml")
}
