import type { Box, ObjectClass } from '../../detect/detection.ts';
import type { Finding, Infraction, Measurement } from '../../judge/infraction.ts';
import { type RawRecord, type Reference, rawPointsOf, votesOf } from '../../judge/raw-record.ts';
import { chargeSpeed, estimateSpeed } from '../../judge/speeding-charge.ts';
import type { CalibrationRecord } from '../../scene/calibration-record.ts';
import { sceneOfRecord } from '../../scene/scene-of-record.ts';
import { replay } from './replay.ts';

/** What of an evidence record its figures are derived from again: the accusation, and the raw data beside it. */
export interface RederivableRecord {
  readonly infraction: {
    readonly rule: Infraction['rule'];
    readonly frame: number;
    readonly time: Reference;
    readonly track: number;
    readonly class: ObjectClass;
    readonly lane: string | null;
    readonly box: Box;
    readonly measured: Measurement;
    readonly findings: readonly Finding[];
  };
  readonly auxiliary: RawRecord & { readonly calibration: CalibrationRecord };
}

/** `stretch`: the first and the last frame of a speed's measurement. */
export type Derived =
  | { readonly derived: true; readonly infraction: Infraction; readonly stretch?: readonly [number, number] }
  | { readonly derived: false; readonly says: string };

/** The accusation by the unit's own method, from the record alone. */
export function deriveAgain({ infraction, auxiliary }: RederivableRecord): Derived {
  const scene = sceneOfRecord(auxiliary.calibration);
  const points = rawPointsOf(auxiliary, infraction.time);
  const votes = votesOf(auxiliary.votes);
  if (infraction.rule !== 'speeding') {
    const again = replay(
      { scene, points, votes, omitted: auxiliary.omitted, phases: auxiliary.phases },
      infraction.rule,
    );
    if (again !== undefined) return { derived: true, infraction: again };
    return { derived: false, says: `judged again from its raw data, nobody is accused of ${infraction.rule}` };
  }
  const held = points.filter(({ use }) => use === 'held');
  const estimate = estimateSpeed(scene, auxiliary.calibration.boxOvershoot, held, infraction.class);
  if (!estimate.stated) return { derived: false, says: `the raw data give no speed: ${estimate.says}` };
  const driver = { track: infraction.track, class: infraction.class, votes };
  const again = chargeSpeed(scene, driver, held, estimate);
  if (again === undefined) return { derived: false, says: 'the speed that the raw data give is not above the limit' };
  return { derived: true, infraction: again, stretch: [estimate.from.frame, estimate.to.frame] };
}
