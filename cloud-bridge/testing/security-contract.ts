import type { TestFn } from 'ava';
import { accessCases } from './security-access.ts';
import { type SecuritySetup, securityCases } from './security-cases.ts';
import { certificateCases } from './security-certificates.ts';

export { type SecuritySetup, securityNames } from './security-cases.ts';

/**
 * What a broker with the recommended configuration keeps from strangers. Tests run one after the other; the setup is asked for when they do.
 */
export function securityContract(test: TestFn, name: string, setup: () => SecuritySetup | undefined): void {
  const make = securityCases(test, name, setup);
  accessCases(make);
  certificateCases(make);
}
