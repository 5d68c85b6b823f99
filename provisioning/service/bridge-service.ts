import { bounds, hardening } from './hardening.ts';
import { nodeOf, type ServiceSettings, smallMemory } from './service-settings.ts';
import { restarting } from './unit-service.ts';

/** The centre's bridge on a machine of its own: no devices at all. It gives no signs of life; who watches it asks its `/healthz`. */
export function bridgeService(settings: ServiceSettings): string {
  const { program, entry, bridgeConfig } = settings;
  return `# Made by provisioning/service/service-files.ts; the tests run this text. Local changes go into a drop-in: systemctl edit atalaya-bridge.
[Unit]
Description=Atalaya bridge
After=network-online.target
Wants=network-online.target
ConditionPathExists=${bridgeConfig}
StartLimitIntervalSec=0

[Service]
ExecStart=${nodeOf(settings)} ${program}/cloud-bridge/cli/atalaya-bridge.${entry} run --config ${bridgeConfig}
Environment=${smallMemory}
WorkingDirectory=/var/lib/atalaya-bridge
Type=exec
TimeoutStopSec=30
KillMode=mixed
${restarting(settings).join('\n')}

User=atalaya-bridge
Group=atalaya-bridge
StateDirectory=atalaya-bridge
StateDirectoryMode=0700
LogsDirectory=atalaya-bridge
LogsDirectoryMode=0750

MemoryMax=80%
OOMPolicy=stop
${bounds.join('\n')}

PrivateDevices=yes
DevicePolicy=closed
PrivateUsers=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
${hardening.join('\n')}

[Install]
WantedBy=multi-user.target
`;
}
