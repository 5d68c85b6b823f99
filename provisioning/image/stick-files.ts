import { bounds, hardening } from '../service/hardening.ts';
import { account, usualService } from '../service/service-settings.ts';
import type { PlannedFile } from './plan.ts';

interface StickOptions {
  /** What updates call the board. */
  readonly machine: string;
}

/** What a technician names the file system of a stick: its volume label. */
export const stickLabel = 'ATALAYA';
/** Where it is mounted. No account but root can put something else there. */
export const stickFolder = '/run/atalaya-stick';
/** What the screen shows besides who this is. */
export const stickWords = '/run/atalaya-screen/stick-';

const { slots, config } = usualService;

/**
 * An update on a stick that is only plugged in: nobody can log in. It is mounted, shown to the unit as `atalaya-ota install` does, and put away
 * when it is pulled out. Whoever brings it is asked nothing, since the unit believes what is signed and nobody who stands there.
 */
export function stickFiles({ machine }: StickOptions): readonly PlannedFile[] {
  return [
    { path: 'usr/lib/udev/rules.d/90-atalaya-stick.rules', text: rule },
    { path: 'usr/lib/tmpfiles.d/atalaya-stick.conf', text: `d ${stickFolder} 0755 root root\n` },
    { path: 'etc/systemd/system/atalaya-stick@.service', text: mountService },
    { path: 'etc/systemd/system/atalaya-stick-update@.service', text: updateService(machine) },
    { path: 'usr/lib/atalaya/mount-stick', text: mountStick, mode: 0o755 },
    { path: 'usr/lib/atalaya/take-stick', text: takeStick, mode: 0o755 },
  ];
}

/**
 * udev(7), systemd.device(5). With and without a table of partitions; but a disk is none that has a first one: FAT on a whole disk often says that it
 * is a partition of itself. What udev knows of the file system is there from rule 60 on.
 */
const rule = `ACTION!="remove", SUBSYSTEM=="block", SUBSYSTEMS=="usb", ENV{ID_FS_LABEL}=="${stickLabel}", ENV{ID_FS_TYPE}=="vfat|exfat|ext4", TEST!="%k1", TAG+="systemd", ENV{SYSTEMD_WANTS}+="atalaya-stick-update@%k.service"
`;

/**
 * Root's part. It has none of the settings that give a service mounts of its own: the mount has to be everybody's, and reaches the unit, whose
 * mounts follow the machine's.
 */
const mountService = `[Unit]
Description=Stick %I
BindsTo=dev-%i.device
After=dev-%i.device systemd-tmpfiles-setup.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/atalaya/mount-stick in /dev/%I
ExecStop=/usr/lib/atalaya/mount-stick out /dev/%I
TimeoutStartSec=60
TimeoutStopSec=30
CapabilityBoundingSet=CAP_SYS_ADMIN
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX
LimitCORE=0
`;

/** The unit's own part: what the unit believes and says of the stick. Of a stick that cannot be mounted it says so on the screen, so it starts then too. */
const updateService = (machine: string): string => `[Unit]
Description=Update from the stick %I
BindsTo=dev-%i.device
Wants=atalaya-stick@%i.service
After=dev-%i.device atalaya-stick@%i.service
RequiresMountsFor=/var/lib/atalaya ${slots}
[Service]
ExecStart=/usr/lib/atalaya/take-stick in /dev/%I
ExecStopPost=/usr/lib/atalaya/take-stick out /dev/%I
# What it said last stays on the screen until the stick is pulled out.
RemainAfterExit=yes
SyslogIdentifier=atalaya-stick
TimeoutStopSec=15
Environment=ATALAYA_BOARD=${machine}
User=${account}
Group=${account}
WorkingDirectory=/var/lib/atalaya
RuntimeDirectory=atalaya-screen
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
ReadWritePaths=-${slots} -/var/lib/atalaya
# The unit's work comes first.
CPUWeight=50
IOWeight=50
${bounds.join('\n')}
PrivateDevices=yes
DevicePolicy=closed
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
${hardening.filter((one) => one !== removesIpc).join('\n')}
`;

/** It would take the unit what it shares between its processes, since that is of the same account. */
const removesIpc = 'RemoveIPC=yes';

/**
 * Puts a stick where the unit looks, or takes it away. Every account reads FAT and exFAT there. A file system may ask the kernel to stop the
 * machine over a fault in it (`errors=panic`); it is not asked. The unit may read it at the moment when it is pulled out, so it is let go lazily.
 */
const mountStick = `#!/bin/sh
at=${stickFolder}
if [ "$1" = out ]; then
  if grep -q "^$2 $at " /proc/mounts; then exec umount --lazy "$at"; fi
  exit 0
fi
tries=0
while grep -q " $at " /proc/mounts; do
  tries=$((tries + 1))
  if [ "$tries" -gt 10 ]; then
    echo "another stick is in: $2 is left alone" >&2
    exit 1
  fi
  sleep 1
done
umask 022
type=$(udevadm info --query=property --property=ID_FS_TYPE --value --name="$2")
exec mount -t "$type" -o ro,nosuid,nodev,noexec,errors=remount-ro "$2" "$at"
`;

/**
 * Says on the screen and in the journal what becomes of a stick. It waits for a unit that is not enrolled, for one that starts, and for one that does
 * not answer within two minutes, since it hashes the program of the image first; a unit that does not come to run is installed beside
 * (`install --config`), which may be what mends it. Then it shows where the update stands, each half minute, and after four hours each ten minutes,
 * until there is no trial any more. It ends well however that went: whether an update is taken is no fault of the machine.
 */
const takeStick = `#!/bin/sh
stick=${stickFolder}
screen=${stickWords}\${2##*/}
new=\${screen%/*}/new-\${screen##*/}
if [ "$1" = out ]; then
  rm -f "$screen" "$new"
  exit 0
fi
newline='
'
shown=
# What a stick has put into a name cannot move the cursor, in UTF-8 neither.
show() {
  if [ "$1" = "$shown" ]; then return; fi
  shown=$1
  printf 'Stick: %s\\n' "$1" | tr -d '\\000-\\011\\013-\\037\\177' | LC_ALL=C sed 's/\\xc2[\\x80-\\x9f]/?/g' > "$new" &&
    chmod 0644 "$new" && mv -f "$new" "$screen"
}
say() {
  if [ "$1" != "$shown" ]; then printf '%s\\n' "$1"; fi
  show "$1"
}
if ! grep -q "^$2 $stick " /proc/mounts; then
  say 'it cannot be read. It has to be FAT, exFAT or ext4, whole, and the only one that is in.'
  exit 0
fi
until [ -e ${config} ]; do
  say 'this unit is not enrolled, so it believes no update. Enrol it; the stick may stay in.'
  sleep 5
done
waited=0
until systemctl is-active --quiet atalaya-unit.service || [ "$waited" -ge 900 ]; do
  say 'it is looked at as soon as the unit runs.'
  sleep 5
  waited=$((waited + 5))
done
unit=$(tr ',{' '\\n\\n' < ${config.replace(/[^/]+$/, 'state.json')} | sed -n 's/^"unit":"\\([a-z0-9-]*\\)"$/\\1/p' | head -n 1)
folder=
closed=
for one in \${unit:+"$stick/$unit"} "$stick"; do
  if [ -d "$one/image" ] && [ -d "$one/director" ]; then
    folder=$one
    break
  fi
  if [ -d "$one" ] && [ ! -x "$one" ]; then closed=$one; fi
done
if [ -z "$folder" ] && [ -n "$closed" ]; then
  say "the unit may not read $closed. Where the stick was written: chmod -R a+rX"
  exit 0
fi
if [ -z "$folder" ]; then
  say "it holds no update for \${unit:-this unit}: no folders image and director, neither in a folder \${unit:-of its name} nor beside it."
  exit 0
fi
say "the update in $folder is looked at."
# A bar takes the place of the one before.
follow() {
  kept=
  while IFS= read -r line; do
    printf '%s\\n' "$line"
    case "$line" in
      '['*) show "$kept$line" ;;
      *) kept="$kept$line$newline" && show "$kept" ;;
    esac
  done
}
tries=0
while :; do
  atalaya-ota install --from "$folder" --config ${config} 2>&1 | follow
  words=$(cat "$screen")
  words=\${words#Stick: }
  shown=$words
  tries=$((tries + 1))
  case "$words" in
    *deadline-exceeded:*) if [ "$tries" -ge 15 ]; then break; fi ;;
    *) break ;;
  esac
  say 'the unit has other work; it is asked again.'
done
rounds=0
while :; do
  state=$(atalaya-ota status 2>&1)
  show "$words$newline$state"
  case "$newline$state" in
    *"\${newline}Trial "* | *"\${newline}Update "*) ;;
    *) break ;;
  esac
  # A trial may be given two days.
  if [ "$rounds" -lt 480 ]; then sleep 30; else sleep 600; fi
  rounds=$((rounds + 1))
done
printf '%s\\n' "$state"
`;
