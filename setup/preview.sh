#!/usr/bin/env bash
# Shows what an update of a stack would change. Usage: preview.sh STACK
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=setup/stack.sh
. "$(dirname "$0")/stack.sh"

spare_the_file
select_or_create preview
"$python" -m ops.before_up --look "$stack" || exit 1
pulumi preview --stack "$stack" || explain preview
