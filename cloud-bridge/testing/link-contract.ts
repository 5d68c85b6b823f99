import type { TestFn } from 'ava';
import { type LinkHarness, linkCases } from './link-cases.ts';
import { messageCases } from './link-messages.ts';
import { sessionCases } from './link-sessions.ts';

export type { LinkHarness, LinkSetup } from './link-cases.ts';

/**
 * What every link keeps, whatever is behind it. Clients are units and bridges, and say what the access list allows to such, so that the
 * recommended configuration of a broker is what is tested. Tests run one after the other; each takes client ids of its own.
 */
export function linkContract(test: TestFn, name: string, harness: () => LinkHarness | undefined): void {
  const make = linkCases(test, name, harness);
  messageCases(make);
  sessionCases(make);
}
