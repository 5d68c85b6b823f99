import type { SelfTestLine } from '../../device/selftest/contract/self-test-report.ts';

/** What a person is to do so that an input changes. */
export function watchWords({ name, role }: Pick<SelfTestLine, 'name' | 'role'>): string {
  const what = role.toLowerCase();
  if (what.includes('door')) return `Open the door now (${name}), and close it again.`;
  if (what.includes('tamper')) return `Press and release the tamper switch now (${name}).`;
  if (what.includes('loop')) return `Drive a vehicle over the loop now (${name}), or bridge its contact.`;
  if (/red|amber|yellow|green|phase/.test(what))
    return `Wait until the signal changes (${name}: ${role}), or bridge its contact.`;
  return `Change the input ${name} (${role}) now.`;
}
