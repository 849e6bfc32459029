#!/usr/bin/env bash
# Sees to a Docker engine: the stack's own (dockerHost), else the one that answers; else, as root on Debian or Ubuntu,
# Debian's own, installed and started. Usage: engine.sh [STACK]
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

socket=${SETUP_DOCKER_SOCKET:-/var/run/docker.sock}
daemon_json=${SETUP_DAEMON_JSON:-/etc/docker/daemon.json}
log=${SETUP_DOCKERD_LOG:-/var/log/dockerd-litellm-claude.log}

answers() { # docker begins with the empty line that stands for the version
  local said status=0
  said=$(timeout 20 docker version --format '{{.Server.Version}}' 2>&1) || status=$?
  said=${said#$'\n'}
  printf '%s\n' "${said%.}"
  return "$status"
}

# An engine older than 27 translates IPv6 addresses only when told to. Without that, IPv6 clients reach a published port
# through a relay and all look like the bridge's own address, and a source allow-list could not tell them apart.
enable_ipv6_nat() {
  local major
  [ ! -e "$daemon_json" ] || return 0
  major=$(dockerd --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
  [ "$major" -lt 27 ] || return 0
  ip6tables -t nat -L -n >/dev/null 2>&1 || {
    say "this kernel has no IPv6 NAT: IPv6 clients will show the bridge's address to the gateway"
    return 0
  }
  mkdir -p "$(dirname "$daemon_json")"
  printf '{"experimental": true, "ip6tables": true}\n' >"$daemon_json"
  say "wrote $daemon_json, which turns on IPv6 NAT (without it every IPv6 client looks like the bridge)"
}

start() {
  if [ -d /run/systemd/system ]; then
    say "starting the Docker engine (systemctl enable --now docker)"
    systemctl enable --quiet docker
    systemctl restart docker # also when apt has started it already: it must read daemon.json
  else
    say "starting the Docker engine in the background (its log: $log)"
    setsid --fork dockerd </dev/null >>"$log" 2>&1 9>&- # which would hold the lock for as long as it runs
  fi
  for _ in $(seq 60); do
    answers >/dev/null && return 0
    sleep 0.5
  done
  die "the Docker engine was started but does not answer after 30 s; see $log or 'journalctl -u docker'"
}

# ssh asks about a host that it does not know, but docker's client gives it no terminal: so it is asked once by itself, with
# what docker's client will have it do there.
meet_the_host() {
  { : </dev/tty; } 2>/dev/null || return 1
  ssh -T "$DOCKER_HOST" docker system dial-stdio </dev/null >/dev/null
}

stack=${1:-}
named=${DOCKER_HOST:-}
given_host=''
use_engine_of "$stack"
named+=$given_host
old=${DOCKER_API_VERSION:-1.99}
if [[ $old =~ ^1\.([0-9]+)$ ]] && [ "${BASH_REMATCH[1]}" -lt 40 ]; then
  die "DOCKER_API_VERSION=$old in this shell is too old for what is asked of the engine. Fix: unset DOCKER_API_VERSION"
fi
if command -v docker >/dev/null && reply=$(answers); then
  exit 0
fi
set_here=$(compgen -e | grep -E '^DOCKER_(CONTEXT|CONFIG|TLS_VERIFY|TLS|CERT_PATH|API_VERSION)$' | paste -sd' ' - || true)
# shellcheck disable=SC2086 # several names
if [ -n "$set_here" ] && [ -z "$named" ] && (unset $set_here DOCKER_HOST && command -v docker && answers) >/dev/null; then
  die "the Docker engine of this machine answers, but not with what this shell sets: ${reply:-}. Fix: unset $set_here"
fi
case ${reply:-} in
  *"Host key verification failed"*)
    if meet_the_host && answers >/dev/null; then
      exit 0
    fi
    die "ssh does not know the host of $DOCKER_HOST, or knows another key of it: $reply." \
      "Look at its key, and answer ssh: ssh -T $DOCKER_HOST docker system dial-stdio </dev/null" ;;
  *"client version"* | *"API version"*)
    [ -z "${DOCKER_API_VERSION:-}" ] || die "DOCKER_API_VERSION=$DOCKER_API_VERSION in this shell is a version that the engine" \
      "does not speak: $reply. Fix: unset DOCKER_API_VERSION" ;;
  *"permission denied"*)
    die "the Docker engine at ${DOCKER_HOST:-$socket} refuses this user. Add yourself to its group" \
      "('sudo usermod -aG docker $(id -un)', then log in again), or run make with sudo." ;;
esac
if [ -z "$named" ] && [ -n "${DOCKER_HOST:-}" ]; then
  die "no Docker engine answers in the docker context '$(unset DOCKER_HOST && docker context inspect --format '{{.Name}}')': ${reply:-}." \
    "Start it, or run 'docker context use default'."
fi
if [ -n "${DOCKER_HOST:-}" ]; then
  command -v docker >/dev/null || die "there is no docker command here, which speaks to the engine at $DOCKER_HOST." \
    "Install Docker's client (on Debian: apt install docker.io)."
  die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST (${reply:-nothing is said}). Start it, or choose another one: unset DOCKER_HOST," \
    "or the stack's setting dockerHost (pulumi config rm dockerHost --stack ${stack:-STACK}), for this machine's own."
fi
can_apt || die "no Docker engine answers. Start it (for example 'sudo systemctl start docker'), or install one" \
  "(https://docs.docker.com/engine/install/), or run make as root on Debian or Ubuntu, which installs it."

one_at_a_time engine
if command -v docker >/dev/null && answers >/dev/null; then
  exit 0
fi
if ! { command -v dockerd && command -v docker && command -v iptables; } >/dev/null; then
  apt_install docker.io iptables
  # apt may have started it already, without daemon.json
  [ -d /run/systemd/system ] || service docker stop >/dev/null 2>&1 || true
fi
enable_ipv6_nat
start
say "the Docker engine $(answers) answers"
