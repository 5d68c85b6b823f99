/** What a person may do, by role. Every act is signed with the person's own key. */
export const roles = ['operator', 'supervisor', 'auditor', 'technician'] as const;
export type Role = (typeof roles)[number];

/** Everything that needs to be allowed, and to whom it is. */
export const permissions = {
  'fleet.read': ['operator', 'supervisor', 'auditor', 'technician'],
  'telemetry.read': ['operator', 'supervisor', 'auditor', 'technician'],
  'events.read': ['operator', 'supervisor', 'auditor'],
  'acts.read': ['supervisor', 'auditor'],
  'evidence.read': ['supervisor', 'auditor'],
  'alert.acknowledge': ['operator', 'supervisor', 'technician'],
  'config.push': ['operator', 'supervisor'],
  'rollout.run': ['supervisor'],
  /** Whoever changes the program of units, besides what rollouts take. */
  'update.give': ['supervisor'],
  'command.self-test': ['operator', 'supervisor', 'technician'],
  'command.snapshot': ['supervisor', 'technician'],
  'command.reboot': ['supervisor', 'technician'],
  'command.log-level': ['operator', 'supervisor', 'technician'],
  'command.diagnostics': ['operator', 'supervisor', 'technician'],
  'command.evidence-pull': ['supervisor', 'auditor'],
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof permissions;

export function mayDo(role: Role, permission: Permission): boolean {
  return (permissions[permission] as readonly Role[]).includes(role);
}

/** What a permission lets a person do; follows `may not`. */
const permissionWords: Readonly<Record<Permission, string>> = {
  'fleet.read': 'look at the fleet',
  'telemetry.read': 'read telemetry',
  'events.read': 'read events',
  'acts.read': 'read the acts',
  'evidence.read': 'read evidence',
  'alert.acknowledge': 'acknowledge alerts',
  'config.push': 'push configurations',
  'rollout.run': 'run rollouts',
  'update.give': 'give updates',
  'command.self-test': 'have units test themselves',
  'command.snapshot': 'take snapshots',
  'command.reboot': 'reboot units',
  'command.log-level': 'change log levels',
  'command.diagnostics': 'ask for diagnostics',
  'command.evidence-pull': 'pull evidence',
};

/**
 * Why somebody may not, and who may: `Ana is auditor, and that role may not push configurations; operators and supervisors may`. `what`: what
 * is to be done, where the permission has another name.
 */
export function notAllowedWords(
  { name, role }: { readonly name: string; readonly role: Role },
  permission: Permission,
  what: string = permissionWords[permission],
): string {
  const may = permissions[permission].map((one) => `${one}s`);
  const last = may.at(-1) ?? 'nobody';
  const who = may.length > 1 ? `${may.slice(0, -1).join(', ')} and ${last}` : last;
  return `${name} is ${role}, and that role may not ${what}; ${who} may`;
}
