import { bounds, hardening } from './hardening.ts';
import {
  account,
  devicesOf,
  launch,
  quietLibraries,
  type ServiceFile,
  type ServiceSettings,
  smallMemory,
} from './service-settings.ts';

/** Pauses between starts grow where systemd can; before, they are all as long. */
export const restarting = ({ systemd }: ServiceSettings): readonly string[] => [
  'Restart=always',
  'RestartSec=5',
  ...(systemd >= 254 ? ['RestartSteps=6', 'RestartMaxDelaySec=120'] : []),
];

export function unitService(settings: ServiceSettings): string {
  const { slots, config, watchdog, board, machine } = settings;
  return `# Made by provisioning/service/service-files.ts; the tests run this text. Local changes go into a drop-in: systemctl edit atalaya-unit.
[Unit]
Description=Atalaya roadside unit
After=network.target atalaya-devices.service
Wants=atalaya-devices.service
# Until somebody has enrolled it there is nothing to run with; atalaya-enrolled.path starts it then.
ConditionPathExists=${config}
RequiresMountsFor=/var/lib/atalaya /var/log/atalaya ${slots}
# A unit at a road is never given up: it is started again for ever.
StartLimitIntervalSec=0

[Service]
# The launcher becomes the program of the slot that is to run: the process stays the same.
ExecStart=${launch(settings)} run -- run --config ${config} --watchdog ${watchdog}
Environment=${smallMemory} ${quietLibraries}${machine === undefined ? '' : ` ATALAYA_BOARD=${machine}`}
WorkingDirectory=/var/lib/atalaya
# Else the journal would call every program by the launcher's name.
SyslogIdentifier=atalaya-unit

# READY=1 when everything is open; a camera that has not come is waited for after it. Signs of life only while frames are judged and sealed (device/health/README.md).
Type=notify
NotifyAccess=main
WatchdogSec=30
# A program that is stuck is asked to make its lines safe and to seal what it saw; then it is ended.
WatchdogSignal=SIGTERM
TimeoutStartSec=600
TimeoutStopSec=15
TimeoutAbortSec=15
# Every process is told; the keeper of the lines outlives that, and makes them safe once the unit has ended.
KillMode=control-group
${restarting(settings).join('\n')}

# Its groups are those of the account (sysusers.d): enrolment and self-test, which run as the same user, open the same devices.
User=${account}
Group=${account}
StateDirectory=atalaya
StateDirectoryMode=0700
LogsDirectory=atalaya
LogsDirectoryMode=0750
RuntimeDirectory=atalaya
RuntimeDirectoryMode=0750
# Updates are put there, by the unit itself; it cannot write to the launcher, nor to what the machine came with.
ReadWritePaths=-${slots}

# Before other programs of the machine, and not above what leaves the system room.
MemoryHigh=70%
MemoryMax=80%
OOMScoreAdjust=-500
OOMPolicy=stop
CPUWeight=500
IOWeight=500
${bounds.join('\n')}

# Cameras, lines, TPM, watchdog; PrivateDevices would hide them, and PrivateUsers would take away the groups that open them.
DevicePolicy=closed
${devicesOf(settings)
  .map((device) => `DeviceAllow=${device}`)
  .join('\n')}
${board === 'jetson' ? '# The camera daemon of the Jetson.\nBindPaths=-/tmp/argus_socket\n' : ''}
# Unix: systemd, desk, TPM. Netlink: libcamera and libudev look for devices. The broker is anywhere, so addresses are not bounded here.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
${hardening.join('\n')}

[Install]
WantedBy=multi-user.target
`;
}

/**
 * As long as a slot is on trial, each of its minutes is counted, by the unit's account; when they are used up the unit is started anew, by
 * root, and the launcher gives the slot up. Nothing of it runs, or is logged, while there is no trial: a timer would ask each minute for ever.
 */
export function trialGuard(settings: ServiceSettings): readonly ServiceFile[] {
  const { slots } = settings;
  const path = `# Made by provisioning/service/service-files.ts.
[Unit]
Description=Wait for an update of the Atalaya unit that is on trial

[Path]
PathExists=${slots}/trial
Unit=atalaya-trial-guard.service

[Install]
WantedBy=multi-user.target
`;
  const service = `# Made by provisioning/service/service-files.ts.
[Unit]
Description=Count a minute of an update of the Atalaya unit that is on trial
RequiresMountsFor=${slots}

[Service]
Type=oneshot
# A minute of the clock that nobody sets. The path unit begins the next one when this has ended.
ExecCondition=/bin/sleep 60
# Ends with 1, and nothing more is done, while there are minutes left.
ExecCondition=${launch(settings)} guard
ExecStart=+/usr/bin/systemctl --no-block try-restart atalaya-unit.service
TimeoutStartSec=5min

User=${account}
Group=${account}
ReadWritePaths=-${slots}
MemoryMax=64M
${bounds.join('\n')}

PrivateDevices=yes
DevicePolicy=closed
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
${hardening.join('\n')}
`;
  return [
    { path: 'etc/systemd/system/atalaya-trial-guard.path', text: path },
    { path: 'etc/systemd/system/atalaya-trial-guard.service', text: service },
  ];
}

/**
 * systemd resolves `DeviceAllow` when it starts a service, by what is there at that moment: a driver that is loaded later is forbidden to the
 * unit until it is started again. So it starts when the kernel has told of its devices and their rules have run.
 */
export const devicesService = `# Made by provisioning/service/service-files.ts.
[Unit]
Description=Wait for the devices of the Atalaya unit
After=systemd-udev-trigger.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/udevadm settle --timeout=30
`;

/**
 * Starts the unit as soon as enrolment has put its configuration in place, once a boot. A path unit starts its service again whenever that
 * has ended and the path is still there; so it starts one that stays, or nobody could stop the unit.
 */
export function enrolledFiles({ config }: ServiceSettings): readonly ServiceFile[] {
  const path = `# Made by provisioning/service/service-files.ts.
[Unit]
Description=Wait until the Atalaya unit is enrolled

[Path]
PathExists=${config}
Unit=atalaya-enrolled.service

[Install]
WantedBy=multi-user.target
`;
  const service = `# Made by provisioning/service/service-files.ts.
[Unit]
Description=Start the Atalaya unit, which is enrolled

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/systemctl start --no-block atalaya-unit.service
`;
  return [
    { path: 'etc/systemd/system/atalaya-enrolled.path', text: path },
    { path: 'etc/systemd/system/atalaya-enrolled.service', text: service },
  ];
}
