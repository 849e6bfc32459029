#!/usr/bin/env bash
# Sees to the image that the Dockerfiles start from: the engine's own, else a pull by digest, else one made with debootstrap.
# Usage: base_image.sh [STACK]
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

image=debian:trixie-slim
# That tag's index of all architectures, October 2026. A tag can be moved to anything; content by its digest cannot. Newer
# packages come with the build (setting securityUpdates). For a new one: docker buildx imagetools inspect debian:trixie-slim
pinned=debian@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
release=trixie

uri_of() { printf '%s\n' "$sources" | sed -n "s/^$1 //p"; }
reachable() { /usr/lib/apt/apt-helper download-file "$1" "$work/probe" >/dev/null 2>&1; }

# bootstrap DIR [MIRROR]: without a mirror, debootstrap's default
bootstrap() {
  local dir=$1 mirror=${2:-} options=(--variant=minbase) arguments script=/usr/share/debootstrap/scripts/$release
  [[ $mirror != https:* ]] || options+=(--include=ca-certificates) # else apt inside could not reach it
  arguments=("$release" "$dir")
  if [ -e "$script" ]; then
    [ -z "$mirror" ] || arguments+=("$mirror")
  else # a debootstrap older than the release
    arguments+=("${mirror:-$(sed -n "s/^default_mirror //p" "${script%/*}/sid")}" "${script%/*}/sid")
  fi
  debootstrap "${options[@]}" "${arguments[@]}" >"$work/log" 2>&1
}

write_sources() {
  local dir=$1 mirror security
  mirror=$(sed -n "s/^deb \(\S*\) $release main.*/\1/p" "$dir/etc/apt/sources.list")
  security=$(uri_of security)
  : "${security:=${mirror%/}-security}"
  {
    echo "deb $mirror $release main"
    echo "deb $mirror $release-updates main"
    if reachable "$security/dists/$release-security/InRelease"; then
      echo "deb $security $release-security main"
    else
      say "no mirror with Debian's security updates answers: the base image has the main archive alone"
    fi
  } >"$dir/etc/apt/sources.list.new"
  mv "$dir/etc/apt/sources.list.new" "$dir/etc/apt/sources.list"
}

# As in Debian's own slim image: neither now nor in later layers documents, and no package caches.
slim() {
  local dir=$1
  cat >"$dir/etc/dpkg/dpkg.cfg.d/docker" <<'END'
force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
  cat >"$dir/etc/apt/apt.conf.d/docker" <<'END'
APT::Keep-Downloaded-Packages "false";
APT::AutoRemove::SuggestsImportant "false";
Acquire::Languages "none";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
END
  printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d" # no service starts while an image is built
  chmod 755 "$dir/usr/sbin/policy-rc.d"
  find "$dir/usr/share/doc" -type f ! -name copyright -delete
  find "$dir/usr/share/doc" -type l -delete
  rm -rf "$dir"/usr/share/{info,locale,man}/* "$dir"/var/lib/apt/lists/* "$dir"/var/cache/apt/*.bin \
    "$dir"/var/cache/apt/archives/*.deb "$dir"/var/cache/debconf/*-old "$dir"/var/log/*.log \
    "$dir"/etc/{hostname,resolv.conf}
}

remove_work() {
  umount "$work/root/proc" "$work/root/sys" 2>/dev/null || true # debootstrap leaves them when it is interrupted
  rm -rf --one-file-system "$work"
}

use_engine_of "${1:-}"
if docker image inspect "$image" >/dev/null 2>&1; then
  exit 0
fi
[ ! -e "$root/.toolchain/bundle/manifest.json" ] ||
  die "the engine does not have the images that came in a bundle. Fix: make up BUNDLE=FILE STACK=${1:-STACK};" \
    "to build them here instead: rm -r .toolchain/bundle"
# A second one would take the first one's place, and whatever was built on that be built anew. Who is not root makes none.
! is_root || one_at_a_time base_image
if docker image inspect "$image" >/dev/null 2>&1; then
  exit 0
fi
say "the base image $image is not here: pulling it by its digest"
if timeout 30 docker pull --quiet "$pinned" >/dev/null 2>&1; then
  exec docker tag "$pinned" "$image"
fi
say "no image registry gives it within 30 s: making it from Debian's packages (about a minute)"
if ! command -v debootstrap >/dev/null || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
  can_apt || die "the base image $image is missing, no image registry answers, and making it needs root and debootstrap." \
    "Run 'docker pull $pinned' and 'docker tag $pinned $image' where a registry answers, or run make as root on Debian or Ubuntu."
  apt_install debootstrap debian-archive-keyring
fi
is_root || die "the base image $image is missing, no image registry answers, and debootstrap needs root." \
  "Run 'sudo setup/base_image.sh' once, or 'docker pull $pinned' and 'docker tag $pinned $image' where a registry answers."

# sources: the machine's mirrors as lines `mirror URI` and `security URI`
sources=$(python3 "$root/setup/apt_sources.py" 2>/dev/null || true)
work=$(mktemp -d /var/tmp/litellm-claude-base.XXXXXX)
trap remove_work EXIT
trap 'exit 130' INT TERM
mirror=$(uri_of mirror)
if ! bootstrap "$work/root" "$mirror"; then
  [ -n "$mirror" ] || die "debootstrap failed: $(tail -n 2 "$work/log")"
  say "the mirror of this machine's apt has no $release: trying debootstrap's default"
  rm -rf --one-file-system "$work/root"
  bootstrap "$work/root" || die "debootstrap failed, with $mirror and with its default: $(tail -n 2 "$work/log")"
fi
write_sources "$work/root"
slim "$work/root"
mkdir -p "$work/root/usr/local/share/ca-certificates"
count=$(python3 "$root/setup/extra_certificates.py" "$work/root/usr/local/share/ca-certificates")
tar -C "$work/root" --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -c . |
  docker import --change 'CMD ["bash"]' --change 'LABEL litellm-claude.base="made locally with debootstrap"' \
    - "$image" >/dev/null
say "made $image, with $count CA certificates of this machine as data for the ca-certificates package"
