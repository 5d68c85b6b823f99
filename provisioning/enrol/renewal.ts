import { sha256 } from '../../device/kernel/hash.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';
import type { Life } from './read-chain.ts';

/** What a certificate's age asks for. */
export type RenewalPlan =
  | { readonly kind: 'not-due'; readonly due: UtcMilliseconds }
  | { readonly kind: 'due'; readonly left: Milliseconds }
  /** No renewal any more: brokers refuse the unit, and the technician enrols it again. */
  | { readonly kind: 'expired'; readonly since: UtcMilliseconds };

/** Part of a life over which the units of a fleet ask: 18 days of a year. */
const spread = 1 / 20;

/**
 * When the next certificate is asked for: when two thirds of the life are over, as is usual for certificates, since a third is left for
 * whoever has to sign it. `share`, from 0 up to 1, puts it off by as much of a twentieth of the life.
 */
export function renewalTime({ from, until }: Life, share = 0): UtcMilliseconds {
  return utcMilliseconds(from + Math.floor(((until - from) * 2) / 3 + (until - from) * spread * share));
}

export function renewalDue(life: Life, now: UtcMilliseconds, share = 0): RenewalPlan {
  if (now >= life.until) return { kind: 'expired', since: life.until };
  const due = renewalTime(life, share);
  return now < due ? { kind: 'not-due', due } : { kind: 'due', left: milliseconds(life.until - now) };
}

/** A share of a unit's own, from 0 up to 1: units that were enrolled on one day do not all ask on one day. */
export function shareOf(unit: string): number {
  return Number.parseInt(sha256(unit).slice(0, 8), 16) / 2 ** 32;
}
