#!/usr/bin/env bash
# Builds each image under one tag; `layers`, unless told another, is never run: stacks which begin at the same time find its
# layers in place of making them all for themselves. Usage: images.sh [TAG [OPTION OF DOCKER BUILD]...]
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$root"
tag=${1:-layers}
say "building the images as $tag (2 minutes on 2 cores the first time) ..."
for folder in images/*/; do
  role=$(basename "$folder")
  built=$(docker build --tag "litellm-claude/$role:$tag" "${@:2}" "$folder" 2>&1) || die "images/$role does not build: $built"
done
