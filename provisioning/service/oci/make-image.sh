#!/bin/sh
# An OCI image of the unit, made without a registry: a root file system of Debian packages, the program, and `podman import`.
#
#   make-image.sh PROGRAM [IMAGE]
#
# PROGRAM is the folder of the program as it is to run: device/, cloud-bridge/, models/, provisioning/, ota/, package.json, node_modules/
# without what is for development (`npm prune --omit=dev`), and .build/models. IMAGE is localhost/atalaya-unit:latest unless said otherwise.
#
# PACKAGES adds Debian packages, such as "ffmpeg" for video files and network cameras, "rpicam-apps" where the mirror has them.
# MIRROR is where they come from. SOURCE_DATE_EPOCH is the date of every file (0 unless set), so that equal input makes an equal layer.
# PODMAN is podman with whatever options it needs here.
set -eu

fail() {
  echo "make-image: $1" >&2
  exit 1
}

[ $# -ge 1 ] || fail 'give the folder of the program'
program=$(cd "$1" && pwd) || fail "there is no folder $1"
image=${2:-localhost/atalaya-unit:latest}
suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
epoch=${SOURCE_DATE_EPOCH:-0}
podman=${PODMAN:-podman}

[ -x "$program/node_modules/.bin/node" ] || fail "$program/node_modules/.bin/node is missing: install the program first"
[ -e "$program/device/cli/atalaya-unit.ts" ] || [ -e "$program/device/cli/atalaya-unit.js" ] || fail "$program is no program of Atalaya"
command -v mmdebstrap >/dev/null || fail 'mmdebstrap is missing: apt install mmdebstrap'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# What the program is linked against, and flock, by which it locks its data folder.
SOURCE_DATE_EPOCH=$epoch mmdebstrap --quiet --variant=extract --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include="libc6 libgcc-s1 libstdc++6 netbase tzdata util-linux ${PACKAGES:-}" "$suite" "$work/root.tar" "$mirror"
mkdir -p "$work/root" "$work/root/opt/atalaya/current" "$work/root/var/lib/atalaya" "$work/root/tmp"
tar -C "$work/root" -xf "$work/root.tar" --exclude='./dev/*'
rm -rf "$work/root/var/cache" "$work/root/var/lib/apt" "$work/root/var/log" "$work/root/usr/share/doc" "$work/root/usr/share/man"
echo 'atalaya:x:1000:1000::/var/lib/atalaya:/usr/sbin/nologin' > "$work/root/etc/passwd"
echo 'atalaya:x:1000:' > "$work/root/etc/group"
tar -C "$program" -cf - --exclude=./.git . | tar -C "$work/root/opt/atalaya/current" -xf -
tar -C "$work/root" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -cf "$work/image.tar" .

entry=device/cli/atalaya-unit.ts
[ -e "$program/$entry" ] || entry=device/cli/atalaya-unit.js
at=/opt/atalaya/current
$podman import --quiet \
  --change "ENTRYPOINT [\"$at/node_modules/.bin/node\",\"--max-semi-space-size=4\",\"$at/$entry\"]" \
  --change 'CMD ["run","--config","/var/lib/atalaya/identity/current/unit.yaml"]' \
  --change 'USER 1000:1000' --change 'WORKDIR /var/lib/atalaya' --change 'STOPSIGNAL SIGTERM' \
  --change 'ENV ORT_DISABLE_TELEMETRY=1' --change 'ENV MALLOC_ARENA_MAX=2' --change 'ENV MALLOC_MMAP_THRESHOLD_=1048576' \
  --message 'made by provisioning/service/oci/make-image.sh' "$work/image.tar" "$image"
$podman image inspect --format 'image {{index .RepoTags 0}} {{.Id}}, {{.Size}} bytes' "$image"
