import type { ConfigActOutcome } from './config/desired/keeper-state.ts';

/** One sentence for whoever looks at the console. */
export function configSentence({
  version: number,
  outcome,
  reasons,
  by,
}: {
  readonly version: number;
  readonly outcome: ConfigActOutcome;
  readonly reasons: readonly string[];
  readonly by: string | undefined;
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
      return `configuration ${number} was taken back${by === undefined ? '' : ` by ${by}`}${why}`;
  }
}
