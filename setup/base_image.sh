#!/usr/bin/env bash
# Sees to the image that the Dockerfiles start from: the engine's own, else a pull by digest, else one made with mmdebstrap.
# Usage: base_image.sh [STACK]
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

image=debian:trixie-slim
# That tag's index of all architectures, October 2026. A tag can be moved to anything; content by its digest cannot. Newer
# packages come with the build (setting securityUpdates). For a new one: docker buildx imagetools inspect debian:trixie-slim
pinned=debian@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
release=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

uri_of() { printf '%s\n' "$sources" | sed -n "s/^$1 //p"; }
has() { /usr/lib/apt/apt-helper download-file "$1/dists/$2/InRelease" "$work/probe" >/dev/null 2>&1; }
source_of() { echo "deb [signed-by=$keyring] $1 $2 main"; }

use_engine_of "${1:-}"
if docker image inspect "$image" >/dev/null 2>&1; then
  exit 0
fi
[ ! -e "$root/.toolchain/bundle/manifest.json" ] ||
  die "the engine does not have the images that came in a bundle. Fix: make up BUNDLE=FILE STACK=${1:-STACK};" \
    "to build them here instead: rm -r .toolchain/bundle"
# A second one would take the first one's place, and whatever was built on that be built anew.
one_at_a_time base_image
if docker image inspect "$image" >/dev/null 2>&1; then
  exit 0
fi
say "the base image $image is not here: pulling it by its digest"
if timeout 30 docker pull --quiet "$pinned" >/dev/null 2>&1; then
  exec docker tag "$pinned" "$image"
fi
say "no image registry gives it within 30 s: making it from Debian's packages (about a minute)"
if ! command -v mmdebstrap >/dev/null || [ ! -e "$keyring" ]; then
  can_apt || die "the base image $image is missing, no image registry answers, and making it needs mmdebstrap." \
    "Run 'sudo apt-get install mmdebstrap uidmap debian-archive-keyring' once, or 'docker pull $pinned' and" \
    "'docker tag $pinned $image' where a registry answers, or run make as root on Debian or Ubuntu."
  apt_install mmdebstrap debian-archive-keyring
fi

work=$(mktemp -d /var/tmp/litellm-claude-base.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work" # without root, mmdebstrap runs as subordinate users
umask 022         # and what it copies has to be open to them
# sources: the machine's mirrors as lines `mirror URI` and `security URI`
sources=$(python3 "$root/setup/apt_sources.py" 2>/dev/null || true)
mirror=$(uri_of mirror) security=$(uri_of security)
: "${security:=${mirror%/}-security}"
archives=() options=()
if [ -z "$mirror" ] || ! has "$mirror" "$release"; then # mmdebstrap knows where Debian's own archives are
  [ -z "$mirror" ] || say "the mirror of this machine's apt has no $release: trying mmdebstrap's default"
  options+=(--keyring="$keyring")
else
  archives+=("$(source_of "$mirror" "$release")" "$(source_of "$mirror" "$release-updates")")
  if has "$security" "$release-security"; then
    archives+=("$(source_of "$security" "$release-security")")
  else
    say "no mirror with Debian's security updates answers: the base image has the main archive alone"
  fi
fi
[[ "${archives[*]-}" != *" https:"* ]] || options+=(--include=ca-certificates) # else apt inside could not reach it
mkdir "$work/ca-certificates"
count=$(python3 "$root/setup/extra_certificates.py" "$work/ca-certificates")
# As in Debian's own slim image: neither now nor in later layers documents, and no package caches. The machine's certificates
# are there before ca-certificates is installed, which makes them trusted.
# shellcheck disable=SC2016 # hooks are for the shell of mmdebstrap, whose $1 is the root
TMPDIR=$work mmdebstrap --variant=minbase --skip=output/dev ${options[@]+"${options[@]}"} \
  --dpkgopt=force-unsafe-io \
  --dpkgopt=path-exclude=/usr/share/{doc,info,locale,man}/'*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --setup-hook="mkdir -p \"\$1/usr/local/share\" && cp -r $work/ca-certificates \"\$1/usr/local/share\"" \
  --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
  "$release" "$work/base.tar" ${archives[@]+"${archives[@]}"} >"$work/log" 2>&1 ||
  die "mmdebstrap failed: $({ grep '^E:' "$work/log" || tail -n 2 "$work/log"; } | head -n 3)"
# What mmdebstrap could not have while it works: it needs the packages, and has a policy-rc.d of its own, which it removes.
mkdir -p "$work"/more/{etc/apt/apt.conf.d,usr/sbin}
cat >"$work/more/etc/apt/apt.conf.d/docker" <<'END'
APT::Keep-Downloaded-Packages "false";
APT::AutoRemove::SuggestsImportant "false";
Acquire::Languages "none";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
END
printf '#!/bin/sh\nexit 101\n' >"$work/more/usr/sbin/policy-rc.d" # no service starts while an image is built
chmod 755 "$work/more/usr/sbin/policy-rc.d"
tar -C "$work/more" --owner=0 --group=0 --append --file="$work/base.tar" etc/apt/apt.conf.d/docker usr/sbin/policy-rc.d
docker import --change 'CMD ["bash"]' --change 'LABEL litellm-claude.base="made locally with mmdebstrap"' \
  "$work/base.tar" "$image" >/dev/null
say "made $image, with $count CA certificates of this machine as data for the ca-certificates package"
