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
