import {
  account,
  groupsOf,
  quietLibraries,
  type ServiceFile,
  type ServiceSettings,
  smallMemory,
} from './service-settings.ts';

export const imageName = 'localhost/atalaya-unit:latest';

/** Device nodes are given one by one: a container sees no others. Those that are not there are left out by whoever installs the file. */
const devices = ['/dev/video0', '/dev/gpiochip0'];

/**
 * The unit in a container without root. Quadlet reads the first from Podman 4.4 on; Debian 12 has 4.3, for which the second is the same as a
 * plain user service.
 *
 * The machine's watchdog stays outside: a container that may reset the machine is no container. systemd's own watchdog ends and starts the
 * program as it does without one.
 */
export function podmanFiles(settings: ServiceSettings): readonly ServiceFile[] {
  return [
    { path: 'etc/containers/systemd/users/atalaya-unit.container', text: quadlet(settings) },
    { path: 'usr/share/atalaya/podman/atalaya-unit.service', text: userService(settings) },
  ];
}

const environment = [...smallMemory.split(' '), quietLibraries, 'STATE_DIRECTORY=/var/lib/atalaya'];
const run = '--config /var/lib/atalaya/identity/current/unit.yaml';

function quadlet(settings: ServiceSettings): string {
  return `# Made by provisioning/service/service-files.ts. Podman 4.4 and later: quadlet makes the service.
[Unit]
Description=Atalaya roadside unit (container)
StartLimitIntervalSec=0

[Container]
Image=${imageName}
Pull=never
Exec=run ${run}
Notify=true
Network=host
ReadOnly=true
Volume=%h/atalaya:/var/lib/atalaya:rw
Tmpfs=/tmp:rw,size=64m,mode=1777
${environment.map((one) => `Environment=${one}`).join('\n')}
${devices.map((node) => `AddDevice=-${node}`).join('\n')}
# The groups of the account that runs it (${groupsOf(settings).join(', ')}) open the nodes; rootless, they are kept and not mapped.
PodmanArgs=--group-add=keep-groups --pids-limit=512 --ulimit=host
NoNewPrivileges=true
DropCapability=all
UserNS=keep-id:uid=1000,gid=1000

[Service]
Restart=always
RestartSec=5
WatchdogSec=30
WatchdogSignal=SIGTERM
TimeoutStartSec=600
TimeoutStopSec=20

[Install]
WantedBy=default.target
`;
}

function userService(settings: ServiceSettings): string {
  const options = [
    '--name=atalaya-unit --replace --rm --pull=never --sdnotify=container --cgroups=split',
    '--network=host --read-only --tmpfs=/tmp:rw,size=64m,mode=1777 --volume=%h/atalaya:/var/lib/atalaya:rw',
    '--security-opt=no-new-privileges --cap-drop=all --userns=keep-id:uid=1000,gid=1000 --group-add=keep-groups --pids-limit=512 --ulimit=host',
    environment.map((one) => `--env=${one}`).join(' '),
  ];
  return `# Made by provisioning/service/service-files.ts. For Podman 4.3, as a user service of ${account}: ~/.config/systemd/user/atalaya-unit.service,
# and once: loginctl enable-linger ${account}. Cameras and lines: --device lines in a drop-in, one a node; their groups are
# ${groupsOf(settings).join(', ')}.
[Unit]
Description=Atalaya roadside unit (container)
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/podman run ${options.join(' \\\n  ')} \\
  ${imageName} run ${run}
ExecStop=/usr/bin/podman stop --ignore --time=15 atalaya-unit
Type=notify
NotifyAccess=all
WatchdogSec=30
WatchdogSignal=SIGTERM
Delegate=yes
Restart=always
RestartSec=5
TimeoutStartSec=600
TimeoutStopSec=20
KillMode=mixed

[Install]
WantedBy=default.target
`;
}
