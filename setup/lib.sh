# shellcheck shell=bash
# Sourced by the scripts of setup/: where things are, and how they speak.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

is_root() { [ "${SETUP_ASSUME_UID:-$(id -u)}" = 0 ]; }

# can_apt: whether packages can be installed here: root, on Debian or one of its kin.
can_apt() { is_root && command -v apt-get >/dev/null; }

# apt_install PACKAGE...: apt's own output appears only when it fails.
apt_install() {
  local log
  say "installing $* with apt"
  export DEBIAN_FRONTEND=noninteractive
  log=$( (apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@") 2>&1) ||
    die "apt could not install $*. Its last lines:"$'\n'"$(printf '%s\n' "$log" | tail -n 5)"
}

# one_at_a_time NAME: waits until no other make does the same step in this working copy.
one_at_a_time() {
  mkdir -p "$root/.toolchain"
  command -v flock >/dev/null || return 0 # macOS has none
  exec 9>"$root/.toolchain/$1.lock"
  flock --nonblock 9 || { say "waiting for another make, which is at the same step ($1)" && flock 9; }
}
