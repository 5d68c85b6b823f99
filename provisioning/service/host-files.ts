import {
  account,
  groupsOf,
  lineGroup,
  type ServiceFile,
  type ServiceSettings,
  tpmGroup,
  watchdogGroup,
} from './service-settings.ts';

const made = '# Made by provisioning/service/service-files.ts.';

/** Accounts, device nodes, folders, and what of the machine's own systemd has to change. */
export function hostFiles(settings: ServiceSettings): readonly ServiceFile[] {
  return [
    { path: 'etc/sysusers.d/atalaya.conf', text: accounts(settings) },
    { path: 'etc/tmpfiles.d/atalaya.conf', text: folders(settings) },
    { path: 'etc/udev/rules.d/70-atalaya.rules', text: nodes },
    { path: 'etc/systemd/system.conf.d/90-atalaya.conf', text: manager },
    { path: 'etc/systemd/journald.conf.d/90-atalaya.conf', text: journal },
    { path: 'etc/polkit-1/rules.d/50-atalaya.rules', text: reboot },
  ];
}

/** sysusers.d(5). Groups that are there already stay as they are; the account is a member of those that open its devices. */
function accounts(settings: ServiceSettings): string {
  return `${made}
u ${account} - "Atalaya roadside unit" /var/lib/atalaya /usr/sbin/nologin
u atalaya-bridge - "Atalaya bridge" /var/lib/atalaya-bridge /usr/sbin/nologin
${groupsOf(settings)
  .flatMap((group) => [`g ${group} -`, `m ${account} ${group}`])
  .join('\n')}
`;
}

/** tmpfiles.d(5): what enrolment writes before the service has ever run; the slots, and the way to the program before the launcher has ever run. */
const folders = ({ slots, shipped, program }: ServiceSettings): string => `${made}
d /etc/atalaya 0755 root root
d /var/lib/atalaya 0700 ${account} ${account}
d /var/lib/atalaya/identity 0700 ${account} ${account}
d /var/log/atalaya 0750 ${account} ${account}
d ${slots} 0755 ${account} ${account}
L ${slots}/current - - - - ${shipped}
L ${program} - - - - ${slots}/current
`;

/** udev(7). Cameras have the group \`video\` from systemd's own rules; of the nodes below, what they are for decides. */
const nodes = `${made}
SUBSYSTEM=="gpio", KERNEL=="gpiochip[0-9]*", GROUP="${lineGroup}", MODE="0660"
SUBSYSTEM=="dma_heap", GROUP="video", MODE="0660"
SUBSYSTEM=="tpmrm", KERNEL=="tpmrm[0-9]*", GROUP="${tpmGroup}", MODE="0660"
SUBSYSTEM=="watchdog", KERNEL=="watchdog[0-9]*", GROUP="${watchdogGroup}", MODE="0660"
`;

/** The unit feeds the watchdog, so systemd leaves it alone, but for the way down of a reboot that a service holds up. */
const manager = `${made}
[Manager]
RuntimeWatchdogSec=off
RebootWatchdogSec=2min
`;

/** The journal takes a bounded part of a small card, and a program that repeats itself does not push the rest out. */
const journal = `${made}
[Journal]
Storage=persistent
SystemMaxUse=128M
SystemKeepFree=256M
MaxRetentionSec=30day
SyncIntervalSec=1m
RateLimitIntervalSec=30s
RateLimitBurst=2000
`;

/** For \`unit.reboot: machine\`: the account may start the machine again, and nothing else. */
const reboot = `// Made by provisioning/service/service-files.ts.
polkit.addRule(function (action, subject) {
  if (action.id === 'org.freedesktop.login1.reboot' && subject.user === '${account}') {
    return polkit.Result.YES;
  }
});
`;
