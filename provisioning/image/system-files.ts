import { usualService } from '../service/service-files.ts';
import { account } from '../service/service-settings.ts';
import type { PlannedFile, PlannedLink } from './plan.ts';
import { stickWords } from './stick-files.ts';

interface SystemOptions {
  /** PARTUUID of the data partition. */
  readonly data: string;
}

const { program, shipped } = usualService;
const provision = `${program}/node_modules/.bin/node ${program}/provisioning/cli/atalaya-provision.js`;

/** What turns a Debian into a unit: a root that nobody writes to, a name from the serial, a screen that says who this is. Nobody can log in. */
export function systemFiles({ data }: SystemOptions): readonly PlannedFile[] {
  return [
    { path: 'etc/fstab', text: mounts(data) },
    { path: 'etc/machine-id', text: '' },
    { path: 'etc/hosts', text: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' },
    { path: 'usr/lib/systemd/network/80-atalaya.network', text: network },
    { path: 'usr/lib/tmpfiles.d/atalaya-image.conf', text: nodes },
    { path: 'etc/systemd/system/atalaya-name.service', text: nameService },
    { path: 'usr/lib/atalaya/name-machine', text: nameMachine, mode: 0o755 },
    { path: 'etc/systemd/system/atalaya-identity.service', text: identityService },
    { path: 'etc/systemd/system/atalaya-identity.path', text: identityPath },
    { path: 'etc/systemd/system/atalaya-page.service', text: pageService },
    { path: 'etc/systemd/system/atalaya-screen@.service', text: screenService },
    { path: 'usr/lib/atalaya/show-screen', text: showScreen, mode: 0o755 },
    { path: runCommand, text: commandOfRunning, mode: 0o755 },
  ];
}

const runCommand = 'usr/lib/atalaya/run-command';

/** What people call at a unit: all that a bundle has in its `bin/`. */
const commands = ['atalaya-audit', 'atalaya-ota', 'atalaya-provision', 'atalaya-unit'];

/** The commands, where every shell looks for them, whoever's it is. */
export const commandLinks = (): readonly PlannedLink[] =>
  commands.map((name) => ({ path: `usr/bin/${name}`, target: `/${runCommand}` }));

/** The units that say themselves by what they are wanted. A template is none: somebody has to name its instance. */
export const wantedUnits = (files: readonly PlannedFile[]): readonly PlannedLink[] =>
  files.flatMap(({ path, text }) => {
    const unit = /^etc\/systemd\/system\/([^/]+)$/.exec(path)?.[1];
    const target = /^WantedBy=(\S+)$/m.exec(text)?.[1];
    if (unit === undefined || target === undefined || unit.includes('@')) return [];
    return [{ path: `etc/systemd/system/${target}.wants/${unit}`, target: `/${path}` }];
  });

/** Screens, what of Debian's is masked, and the way to the program that runs. */
export function enabledUnits(terminals: readonly string[]): readonly PlannedLink[] {
  const masked = ['getty@tty1.service', 'serial-getty@.service', 'getty-static.service', 'autovt@.service']
    .concat(['systemd-firstboot.service', 'systemd-machine-id-commit.service', 'systemd-remount-fs.service'])
    .concat(['e2scrub_all.timer', 'e2scrub_reap.service', 'dpkg-db-backup.timer', 'fstrim.timer', 'apt-daily.timer'])
    .concat(['debug-shell.service', 'emergency.service', 'rescue.service'])
    .map((unit) => ({ path: `etc/systemd/system/${unit}`, target: '/dev/null' }));
  const wants = 'etc/systemd/system/multi-user.target.wants';
  return [
    ...terminals.map((terminal) => ({
      path: `${wants}/atalaya-screen@${terminal}.service`,
      target: '/etc/systemd/system/atalaya-screen@.service',
    })),
    { path: `${wants}/systemd-networkd.service`, target: '/lib/systemd/system/systemd-networkd.service' },
    { path: 'etc/systemd/system/default.target', target: '/lib/systemd/system/multi-user.target' },
    { path: 'opt/atalaya/current', target: '/data/program/current' },
    ...masked,
  ];
}

/** fstab(5). The data partition is mounted before systemd begins; systemd lets its file system grow into what the partition has. */
const mounts = (
  data: string,
): string => `PARTUUID=${data} /data ext4 nodev,nosuid,noatime,errors=remount-ro,x-systemd.growfs,nofail,x-systemd.device-timeout=20s 0 0
/data/unit /var/lib/atalaya none bind,nofail,x-systemd.requires=data.mount 0 0
/data/log /var/log none bind,nofail,x-systemd.requires=data.mount 0 0
/data/system/chrony /var/lib/chrony none bind,nofail,x-systemd.requires=data.mount 0 0
/data/system/systemd /var/lib/systemd none bind,nofail,x-systemd.requires=data.mount 0 0
/data/system/network /etc/systemd/network none bind,nofail,x-systemd.requires=data.mount 0 0
tmpfs /tmp tmpfs nodev,nosuid,size=25%,mode=1777 0 0
tmpfs /var/tmp tmpfs nodev,nosuid,size=5%,mode=1777 0 0
`;

/** An address of its own stands in a file below /etc/systemd/network, which is kept on the data partition and comes before this one. */
const network = `[Match]
Name=eth* en* wlan*
[Network]
DHCP=yes
LinkLocalAddressing=yes
MulticastDNS=yes
[DHCPv4]
UseDomains=no
`;

/** The unit's user may read the serial of a PC. A board with a device tree shows it to everybody. */
const nodes = `z /sys/class/dmi/id/product_serial 0440 root atalaya
d /var/log/journal 2755 root systemd-journal
d /var/lib/chrony 0750 _chrony _chrony
`;

const nameService = `[Unit]
Description=Name this machine after its serial
DefaultDependencies=no
After=systemd-tmpfiles-setup.service
Before=network-pre.target sysinit.target
Wants=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/atalaya/name-machine
[Install]
WantedBy=multi-user.target
`;

/** The last 12 letters and digits of what `readBoardSerial` reads. */
const nameMachine = `#!/bin/sh
for path in /proc/device-tree/serial-number /sys/class/dmi/id/product_serial /etc/machine-id; do
  serial=$(tr -cd 'A-Za-z0-9' < "$path" 2>/dev/null | tr 'A-Z' 'a-z')
  case "$serial" in '' | none | unknown | notspecified | defaultstring | systemserialnumber | tobefilledby*) continue ;; esac
  [ -n "$(printf %s "$serial" | tr -d 0x)" ] && break
done
length=\${#serial}
[ "$length" -gt 12 ] && serial=$(printf %s "$serial" | cut -c $((length - 11))-)
echo "atalaya-$serial" > /proc/sys/kernel/hostname
`;

/** How long a first grant is taken after a start, and the page is there a little longer, so that it can say that this is over. */
const claimMinutes = 30;
const pageMinutes = claimMinutes + 5;

/** Of both services that say who this unit is, as the user that keeps its key. */
const identitySettings = `User=atalaya
Group=atalaya
WorkingDirectory=/var/lib/atalaya
RuntimeDirectory=atalaya-screen
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/atalaya
ProtectHome=yes
PrivateTmp=yes
LimitCORE=0
Restart=on-failure
RestartSec=10`;

/**
 * Makes the key at the first start, says on the screen who this is, and serves the local page: from each start on and not for ever. Who wants
 * it open switches the machine off and on. A unit that is enrolled takes only what its own authority has signed.
 */
const pageService = `[Unit]
Description=Key, fingerprint and local page of this unit
RequiresMountsFor=/var/lib/atalaya
After=systemd-tmpfiles-setup.service network.target
StartLimitIntervalSec=0
[Service]
${identitySettings}
ExecStart=/bin/sh -c 'exec timeout --preserve-status ${pageMinutes}m ${provision} unit serve --minutes ${claimMinutes} > /run/atalaya-screen/text'
ExecStopPost=/bin/sed -i '/^the local page/d' /run/atalaya-screen/text
[Install]
WantedBy=multi-user.target
`;

/** Says anew who this is when a grant was put in place. */
const identityService = `[Unit]
Description=Who this unit is now
RequiresMountsFor=/var/lib/atalaya
[Service]
Type=oneshot
${identitySettings}
ExecStart=/bin/sh -c '${provision} unit show > /run/atalaya-screen/new && mv /run/atalaya-screen/new /run/atalaya-screen/text'
TimeoutStartSec=300
`;

const identityPath = `[Unit]
Description=Say anew who this is when a grant was put in place
[Path]
PathChanged=/var/lib/atalaya/identity/current
[Install]
WantedBy=multi-user.target
`;

const screenService = `[Unit]
Description=Who this unit is, on %I
After=systemd-user-sessions.service
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/lib/atalaya/show-screen
StandardInput=null
StandardOutput=tty
StandardError=journal
TTYPath=/dev/%I
TTYReset=yes
Restart=always
RestartSec=5
User=nobody
Group=nogroup
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
`;

/**
 * Becomes the command by whose name it was called, of the program that was started last; of the image's where that leads nowhere or does not
 * have it. Ends with 127 where neither does, as a shell that finds no command. The unit's account could have written the program: root runs
 * nothing of it, and becomes that account first.
 */
const commandOfRunning = `#!/bin/sh
name=\${0##*/}
become=
if [ "$(id -u)" = 0 ]; then become='setpriv --reuid=${account} --regid=${account} --init-groups --'; fi
for folder in ${program} ${shipped}; do
  if [ -x "$folder/bin/$name" ]; then exec $become "$folder/bin/$name" "$@"; fi
done
echo "$name: neither ${program} nor ${shipped} has it" >&2
exit 127
`;

/** Written anew when it changes: a screen that is plugged in later shows it too, since a text console keeps what it has. */
const showScreen = `#!/bin/sh
shown=
while :; do
  addresses=$(ip -brief -4 address show scope global 2>/dev/null | tr -s ' ' | cut -d ' ' -f 1,3)
  address=\${addresses#* }
  if [ -s /run/atalaya-screen/text ]; then text=$(sed "s/0[.]0[.]0[.]0/\${address%%/*}/" /run/atalaya-screen/text)
  elif ! grep -q ' /data ' /proc/mounts; then text='The data partition cannot be read: this unit does not run. Put in another card and enrol the unit again.'
  else text='The key of this unit is being made.'; fi
  stick=$(cat ${stickWords}* 2>/dev/null)
  now="$text
$(cat /proc/sys/kernel/hostname) $addresses\${stick:+
$stick}"
  if [ "$now" != "$shown" ]; then
    printf '\\033c\\033[3J%s\\n' "$now"
    shown=$now
  fi
  sleep 3
done
`;
