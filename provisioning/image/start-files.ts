import { usualService } from '../service/service-files.ts';
import type { PlannedFile } from './plan.ts';

interface StartOptions {
  /** PARTUUID of the data partition. */
  readonly data: string;
  readonly modules: readonly string[];
}

/**
 * What is done before systemd begins (initramfs-tools(7)): the data partition takes the room of the whole card, is checked and mounted,
 * and gives the machine its identity.
 *
 * Every step may be cut by a loss of power: the table of partitions is one sector, the file system's growth is journalled and done by systemd-growfs at
 * each start, the identity appears by a rename. Where the data partition cannot be mounted the machine starts without it: the unit does
 * not, since it would have another key, and the screen says so.
 */
export function startFiles({ data, modules }: StartOptions): readonly PlannedFile[] {
  return [
    { path: 'etc/initramfs-tools/conf.d/atalaya', text: 'MODULES=list\nCOMPRESS=zstd\nFSTYPE=squashfs\nRESUME=none\n' },
    { path: 'usr/share/initramfs-tools/hooks/atalaya', text: hook(modules), mode: 0o755 },
    { path: 'usr/share/initramfs-tools/scripts/local-premount/atalaya', text: grow(data), mode: 0o755 },
    { path: 'usr/share/initramfs-tools/scripts/local-bottom/atalaya', text: mountData(data), mode: 0o755 },
  ];
}

const hook = (modules: readonly string[]): string => `#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for program in /sbin/sfdisk /sbin/e2fsck; do copy_exec "$program"; done
for module in ${modules.join(' ')}; do
  manual_add_modules "$module"
  echo "$module" >> "$DESTDIR/conf/modules"
done
`;

const grow = (data: string): string => `#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /scripts/functions
tries=0
while ! part=$(resolve_device PARTUUID=${data}) || [ ! -b "$part" ]; do
  tries=$((tries + 1))
  [ "$tries" -gt 100 ] && exit 0
  sleep 0.1
done
name=\${part#/dev/}
disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")")
end=$(($(cat "/sys/class/block/$name/start") + $(cat "/sys/class/block/$name/size")))
if [ $((end + 8192)) -lt "$(cat "/sys/class/block/$disk/size")" ]; then
  log_begin_msg "Growing the data partition"
  echo ', +' | sfdisk --quiet --force -N 3 "/dev/$disk" || log_warning_msg "the data partition stays as small as it is"
  udevadm settle --timeout=10
  log_end_msg
fi
e2fsck -p "$part" >/dev/null
[ $? -lt 4 ] || log_warning_msg "the data partition has faults that are not mended without a person"
exit 0
`;

const { shipped } = usualService;

const mountData = (data: string): string => `#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /scripts/functions
part=$(resolve_device PARTUUID=${data}) || exit 0
at="\${rootmnt}/data"
if ! mount -t ext4 -o nodev,nosuid,noatime,errors=remount-ro "$part" "$at"; then
  log_failure_msg "the data partition cannot be mounted"
  exit 0
fi
for folder in system system/network system/systemd system/chrony unit log program; do
  [ -d "$at/$folder" ] || mkdir "$at/$folder"
done
# The launcher leads it to the program that it starts. One that leads nowhere leads to the image, so that enrolment and page are there.
program=$(readlink "$at/program/current")
if [ -z "$program" ] || [ ! -d "\${rootmnt}$program" ]; then
  rm -rf "$at/program/current"
  ln -s ${shipped} "$at/program/current"
fi
if [ ! -s "$at/system/machine-id" ]; then
  tr -d - < /proc/sys/kernel/random/uuid > "$at/system/machine-id.new"
  sync
  mv "$at/system/machine-id.new" "$at/system/machine-id"
  sync
fi
mount -o bind "$at/system/machine-id" "\${rootmnt}/etc/machine-id"
exit 0
`;
