#!/usr/bin/env bash
# Sees to docker compose, with which benchmarks compare: the plugin or the program of its own, else Debian's package.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

docker compose version >/dev/null 2>&1 && exit 0
command -v docker-compose >/dev/null && exit 0
can_apt || die "docker compose is missing. Install it (https://docs.docker.com/compose/install/), or run make as root on Debian."
apt_install docker-compose
