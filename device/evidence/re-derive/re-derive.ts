import { utcMilliseconds } from '../../kernel/units.ts';
import type { Certificate, CertificateState } from '../../scene/certificate.ts';
import { certificateState } from '../../scene/certificate.ts';
import { refitDifference } from '../../scene/scene-of-record.ts';
import { agrees, type Figure, figuresOf } from './figures.ts';
import { type Derived, deriveAgain, type RederivableRecord } from './rederivable.ts';
import { type SimpleSpeed, simpleSpeed } from './simple-speed.ts';

/** What stands beside the figures and bears on their worth. */
export interface Beside {
  /** First and last frame of a speed's measurement, by the raw data; null for other rules. */
  readonly stretch: readonly [number, number] | null;
  /** A speed's second opinion by another method; null for other rules. `agrees`: within two of its own standard uncertainties. */
  readonly simple: {
    readonly speed: SimpleSpeed;
    readonly differenceKmh: number | null;
    readonly agrees: boolean;
  } | null;
  /**
   * How far the recorded map from picture to road is from one that is fitted to the recorded survey now: metres on the road at the worst mark;
   * null without calibration, or where the marks determine no map.
   */
  readonly mapFromSurveyM: number | null;
  /** What the certificate of the calibration was on the day; null where the scene names none. */
  readonly certificate: (Certificate & { readonly state: CertificateState }) | null;
}

/**
 * `same`: every figure comes out of the raw data again, to below 1e-6 of its unit. `differs`: one does not, or the raw data accuse nobody.
 * `not-derivable`: the record does not have the data, and the reason says what is missing.
 */
export type Rederivation = Beside &
  (
    | { readonly outcome: 'same'; readonly figures: readonly Figure[] }
    | {
        readonly outcome: 'differs';
        readonly figures: readonly Figure[];
        /** Names of those that differ. */
        readonly differing: readonly string[];
        readonly says: string;
      }
    | { readonly outcome: 'not-derivable'; readonly reason: string }
  );

/**
 * Derives the figures of a record again, from the record alone: by the unit's own method, and a speed by a simple one beside it. Reads no
 * clock, no file and no scene; the same record gives the same answer on any machine that computes in IEEE 754 doubles.
 */
export function rederive(record: RederivableRecord): Rederivation {
  const { infraction, auxiliary } = record;
  const missing = missingFrom(record);
  if (missing !== undefined) return { outcome: 'not-derivable', reason: missing, ...beside(record, undefined) };
  const again = deriveAgain(record);
  const figures = figuresOf(infraction, again.derived ? again.infraction : undefined);
  const differing = figures.filter((figure) => !agrees(figure)).map(({ name }) => name);
  const around = beside(record, again.derived ? again.stretch : undefined);
  if (differing.length === 0) return { outcome: 'same', figures, ...around };
  if (auxiliary.omitted > 0 && infraction.rule !== 'speeding') {
    const reason = `${auxiliary.omitted} older points were thinned out, and the rule judges from the first on`;
    return { outcome: 'not-derivable', reason, ...around };
  }
  return { outcome: 'differs', figures, differing, says: wordsFor(again, differing), ...around };
}

const wordsFor = (again: Derived, differing: readonly string[]): string =>
  again.derived ? `derived again, these figures are others: ${differing.join(', ')}` : again.says;

/** What the figures cannot be derived without and the record does not have. */
function missingFrom({ infraction: { rule, measured }, auxiliary }: RederivableRecord): string | undefined {
  const { calibration, track, phases, votes } = auxiliary;
  if (!track.some(({ use }) => use === 'held')) return 'the record has no box that the judge held';
  if (Object.keys(votes).length === 0) return 'the record has no votes for the class';
  if (rule === 'speeding') {
    if (calibration.ground === null) return 'the record has no map from the picture to the road';
    if (calibration.speed === null) return 'the record has no speed limit';
  }
  if ('head' in measured && phases.every(({ phase }) => phase === 'unknown')) {
    return `the record does not say what signal ${measured.head} showed`;
  }
  return undefined;
}

function beside({ infraction, auxiliary }: RederivableRecord, stretch: readonly [number, number] | undefined): Beside {
  const { ground, boxOvershoot, timeZone } = auxiliary.calibration;
  const certificate = ground?.certificate ?? null;
  const moment = { utc: utcMilliseconds(Date.parse(infraction.time.utc)), dated: infraction.time.clock.dated };
  return {
    stretch: stretch ?? null,
    simple: simpleOpinion({ infraction, auxiliary }, ground, boxOvershoot, stretch),
    mapFromSurveyM: ground === null ? null : (refitDifference(ground) ?? null),
    certificate: certificate && { ...certificate, state: certificateState(certificate, moment, timeZone) },
  };
}

function simpleOpinion(
  { infraction: { measured }, auxiliary: { track } }: RederivableRecord,
  ground: RederivableRecord['auxiliary']['calibration']['ground'],
  overshoot: number,
  stretch: readonly [number, number] | undefined,
): Beside['simple'] {
  if (measured.rule !== 'speeding' || ground === null || stretch === undefined) return null;
  const { toRoad, deviations, lens } = ground;
  const bent = lens === undefined || lens === null ? {} : { lens };
  const speed = simpleSpeed({ track, toRoad, deviations, overshoot, stretch, ...bent });
  if (!speed.stated) return { speed, differenceKmh: null, agrees: false };
  const differenceKmh = speed.speedKmh - measured.speedKmh;
  return { speed, differenceKmh, agrees: Math.abs(differenceKmh) <= 2 * speed.uncertaintyKmh };
}
