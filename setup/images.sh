#!/usr/bin/env bash
# Builds each image once, so that stacks which begin at the same time find its layers in place of making them all for themselves.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$root"
say "building the images, for their layers (2 minutes on 2 cores, once) ..."
for role in images/*/; do
  role=$(basename "$role")
  built=$(docker build --tag "litellm-claude/$role:layers" "images/$role" 2>&1) || die "images/$role does not build: $built"
done
