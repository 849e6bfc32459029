#!/usr/bin/env bash
# Makes a Python environment, .venv unless told another, and installs a lock file into it, hashes checked. A lock already
# installed costs nothing. Usage: python.sh LOCK [ENVIRONMENT], both relative to the working copy.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

lock=$1
venv=$root/${2:-.venv}
stamp=$venv/.installed-$(basename "$lock")

# As it came in a bundle (bundle_open.py), or from the package index.
source_of_it=(-r "$root/$lock")
bundled=$root/.toolchain/bundle/wheels
if cmp -s "$root/$lock" "$bundled/of.lock"; then
  source_of_it=(--no-index --find-links "$bundled" -r "$bundled/requirements.txt")
fi

make_venv() {
  local python
  python=$(find_python) || {
    can_apt || die "Python 3.11 or newer is needed, and python3 is $(python3 --version 2>&1 || true). Install it."
    apt_install python3 python3-venv
    python=$(find_python) || die "this system's packages have no Python 3.11 or newer. Install one and run make again."
  }
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    can_apt || die "$python lacks its venv module. Run 'sudo apt-get install python3-venv', then make again."
    apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  fi
  say "making the Python environment ${venv#"$root/"}"
  "$python" -m venv --clear "$venv"
}

[ -s "$root/$lock" ] || die "$lock is missing. Run 'git checkout -- $lock', or 'make lock' to make it anew."
# own_pip: whether it has its packages; a new minor version of the system's Python looks for them in another folder
own_pip() { "$venv/bin/python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("pip") or sys.prefix == sys.base_prefix)'; }
# all_there: sets `damage` when nothing but a file of a package is missing, or cut
all_there() {
  damage=
  [ -e "$stamp" ] && cmp -s "$root/$lock" "$stamp" && new_enough "$venv/bin/python" && own_pip || return 1
  damage=$("$venv/bin/python" -I -S "$root/setup/installed.py" "$venv")
}
if all_there; then
  touch "$stamp"
  exit 0
fi
one_at_a_time "python-$(basename "$venv")"
if all_there; then
  exit 0
fi
aside=$root/.toolchain/$(basename "$venv").damaged
put_back() { [ ! -e "$aside" ] || { rm -rf "$venv" && mv "$aside" "$venv"; }; }
if [ -n "$damage" ]; then
  say "${venv#"$root/"} is not as it was installed ($damage)"
  rm -rf "$aside"
  trap put_back EXIT # what is damaged may serve for other commands
  mv "$venv" "$aside"
fi
if ! { new_enough "$venv/bin/python" && own_pip && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
  make_venv
fi
say "installing $lock into ${venv#"$root/"} (about a minute)"
# Where packages come from is the shell's to say (PIP_INDEX_URL, pip.conf); where these go, and which they are, is not.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_NO_DEPS PIP_REQUIREMENT PIP_CONSTRAINT PIP_UPGRADE PIP_PYTHON
export PIP_USER=0
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "${source_of_it[@]}" ||
  die "pip could not install $lock (its message is above). Nothing else was changed; run make again to retry."
one=$(sed -n '/;/!s/^\([A-Za-z0-9._-]*\)==.*/\1/p' "$root/$lock" | head -n 1)
[ -z "$one" ] || "$venv/bin/python" -m pip show --quiet "$one" 2>/dev/null ||
  die "pip has put the packages of $lock elsewhere: its configuration says so. Look for target, prefix, root or dry-run in" \
    "'$venv/bin/python -m pip config list', remove it, and run make again."
"$venv/bin/python" -I -S "$root/setup/installed.py" --list "$venv"
cp "$root/$lock" "$stamp"
rm -rf "$aside"
