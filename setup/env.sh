#!/usr/bin/env bash
# Prints, as export lines, the environment in which pulumi runs here (environment.py): eval "$(setup/env.sh STACK)"
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"
python_says setup.environment "$root" "${1-}" "${2-}"
