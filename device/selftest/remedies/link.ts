import type { Remedy } from './remedy.ts';

/** Of network, broker and certificates. */
export const linkRemedies = {
  'network-no-address': {
    means: 'No network has an address.',
    matters: 'The centre learns nothing; evidence waits on the unit.',
    steps: [
      'Look at plug and link lamp; `ip link` says UP.',
      'Of a modem: SIM, antenna, APN; `mmcli -m any` tells its state.',
      'Look whether an address is given: `ip address`, `journalctl -u systemd-networkd`.',
    ],
  },
  'network-no-route': {
    means: 'There is a network, and no way out of it.',
    matters: 'The centre is not reached; evidence waits on the unit.',
    steps: [
      'Look for the default route: `ip route`.',
      'Start router or modem again.',
      'Where addresses are given by hand: name the gateway.',
    ],
  },
  'network-no-name': {
    means: "The name of the centre's broker has no address.",
    matters: 'The centre is not reached; evidence waits on the unit.',
    steps: [
      'Look for a spelling mistake in `cloud.broker`.',
      'Ask the resolver: `resolvectl query` and the name.',
      'Name a DNS server that answers here.',
    ],
  },
  'broker-unreachable': {
    means: "The centre's broker is not reached, or refuses the unit.",
    matters: 'The centre learns nothing; evidence waits on the unit, and nothing is lost.',
    steps: [
      'Look at network and certificate first.',
      'Where the words say refused or denied: look whether the unit is enrolled, and not revoked.',
      'Where its certificate was revoked: enrol it again, `atalaya-provision enrol`.',
      'Where its key was stolen: wipe it first, `atalaya-provision unit wipe`; one without login by flashing its card anew.',
      'Let its port out through firewall and modem (8883 unless `cloud.broker` says otherwise).',
      'Ask the centre whether other units are connected.',
    ],
  },
  'broker-slow': {
    means: 'The broker answers late.',
    matters: 'Alerts and evidence arrive late.',
    steps: [
      'Of a modem: turn or raise the antenna; `mmcli -m any --signal-get`.',
      'Test again at another hour: a full cell is slow.',
    ],
  },
  'certificate-unusable': {
    means: 'The files with which the unit proves who it is cannot be used.',
    matters: 'The broker refuses the unit.',
    steps: [
      'Read what is said: which file, and why.',
      'Put the files in place that were issued to this unit (`cloud.ca`, `cloud.cert`, `cloud.key`), readable for its account.',
      'Or enrol it anew: `atalaya-provision enrol`.',
    ],
  },
  'certificate-expired': {
    means: 'A certificate has come to its end.',
    matters: 'The broker refuses the unit; evidence waits on it.',
    steps: [
      'Look at the clock first: a wrong date ends any certificate.',
      'What has expired is not renewed: go to the unit and enrol it again, `atalaya-provision enrol`.',
      "Where it is the authority's: put its new certificate in place, on every unit.",
    ],
  },
  'certificate-not-begun': {
    means: 'A certificate is not valid yet.',
    matters: 'The broker refuses the unit.',
    steps: [
      'Look at the clock: it is behind, or nobody has set it.',
      'Where the clock is right, the authority issued it with a wrong one: have it issued anew.',
    ],
  },
  'certificate-renewal-due': {
    means: 'A certificate is due to be renewed.',
    matters: 'All works until it ends; then the broker refuses the unit.',
    steps: [
      'Renew it: `atalaya-provision unit renew` at the unit, `ca sign --renew` at the authority, `unit install`.',
      'Where it should renew by itself: look at the log for why it did not.',
    ],
  },
} as const satisfies Readonly<Record<string, Remedy>>;
