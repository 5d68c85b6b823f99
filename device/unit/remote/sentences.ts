import type { ConfigActOutcome } from '../../config/desired/keeper-state.ts';

/** One sentence for whoever looks at the console. */
export function configSentence({
  version: number,
  outcome,
  reasons,
  by,
  isByHand = false,
}: {
  readonly version: number;
  readonly outcome: ConfigActOutcome;
  readonly reasons: readonly string[];
  /** Who signed it, or did this by hand at the unit. */
  readonly by: string | undefined;
  /** It was done by hand, by whoever `by` names. */
  readonly isByHand?: boolean;
}): string {
  const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  const whose = by === undefined ? '' : ` of ${by}`;
  switch (outcome) {
    case 'accepted':
      return `configuration ${number}${whose} was accepted`;
    case 'trial':
      return `configuration ${number}${whose} is on trial: it has to reach the broker, see frames and seal evidence`;
    case 'confirmed':
      return `configuration ${number}${whose} is confirmed: broker reached, frames seen, evidence sealed`;
    case 'rejected':
      return `configuration ${number}${whose} was refused${why}`;
    case 'rolled-back':
      // Whoever signed it did not take it back: the unit did, by itself.
      return isByHand
        ? `configuration ${number} was taken back${by === undefined ? '' : ` by ${by}`}${why}`
        : `configuration ${number}${whose} was taken back by the unit itself${why}`;
  }
}
