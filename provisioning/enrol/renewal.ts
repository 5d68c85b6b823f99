import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';
import type { Life } from './read-chain.ts';

/** What a certificate's age asks for. */
export type RenewalPlan =
  | { readonly kind: 'not-due'; readonly due: UtcMilliseconds }
  | { readonly kind: 'due'; readonly left: Milliseconds }
  /** No renewal any more: brokers refuse the unit, and the technician enrols it again. */
  | { readonly kind: 'expired'; readonly since: UtcMilliseconds };

/** Due when two thirds of its life are over, as is usual for certificates: a third is left for whoever has to come by. */
export function renewalDue({ from, until }: Life, now: UtcMilliseconds): RenewalPlan {
  if (now >= until) return { kind: 'expired', since: until };
  const due = utcMilliseconds(from + Math.floor(((until - from) * 2) / 3));
  return now < due ? { kind: 'not-due', due } : { kind: 'due', left: milliseconds(until - now) };
}
