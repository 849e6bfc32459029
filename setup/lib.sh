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

# python_says MODULE [ARGUMENT...]: what it says of a stack, for eval
python_says() {
  local status=0
  (cd "$root" && .venv/bin/python -X utf8 -m "$@") || status=$?
  case $status in
    0) ;;
    3) exit 1 ;; # it has said why
    *) die "the Python in .venv, which reads the stack's file, is not there or lacks something (see above). Fix: make setup-python" ;;
  esac
}

# use_engine_of STACK: point docker's client at it, for the rest of the script; set-up may have none yet
use_engine_of() {
  local said
  [ -e "$root/Pulumi.${1##*/}.yaml" ] || set --
  said=$(python_says setup.read_stack ${1+"$@"})
  eval "$said"
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
