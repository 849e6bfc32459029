#!/usr/bin/env bash
# Takes a bundle into use, which `make bundle` has written. It runs before anything else is there. Usage: bundle.sh STACK FILE
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

python=$(find_python) || die "Python 3.11 or newer is needed, and python3 is $(python3 --version 2>&1 || true). Install it."
cd "$root"
one_at_a_time bundle
"$python" -m setup.bundle_open programs "$2"
setup/python.sh requirements.lock # which reads what engine the stack's file names
setup/engine.sh "$1"
use_engine_of "$1"
"$python" -m setup.bundle_open images "$2"
