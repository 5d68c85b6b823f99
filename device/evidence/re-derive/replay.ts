import type { ObjectClass } from '../../detect/detection.ts';
import type { Infraction, RuleName } from '../../judge/infraction.ts';
import { Judge } from '../../judge/judge.ts';
import type { PhaseReading, PhaseSource } from '../../judge/phase.ts';
import type { PhaseStretch, RawPoint } from '../../judge/raw-data.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import type { Scene } from '../../scene/scene.ts';
import { addVotes, shares, type Votes, winner } from '../../track/classes.ts';
import type { Track } from '../../track/track.ts';

export interface Replay {
  readonly scene: Scene;
  readonly points: readonly RawPoint[];
  readonly votes: ReadonlyMap<ObjectClass, number>;
  readonly omitted: number;
  readonly phases: readonly PhaseStretch[];
}

/**
 * Judges the points once more, one after the other as they came, under the phases that are recorded. Returns the accusation by the rule,
 * if there is one. A class's votes grow as they did, unless older points and their votes are missing: then they are the final ones all the
 * way.
 */
export function replay({ scene, points, votes, omitted, phases }: Replay, rule: RuleName): Infraction | undefined {
  const judge = new Judge({ scene, phases: recordedPhases(phases) });
  const of = (infractions: readonly Infraction[]) => infractions.find((one) => one.rule === rule);
  let past: Track | undefined;
  let seen: RawPoint[] = [];
  let sum: Votes = {};
  let track: Track | undefined;
  for (const point of points) {
    if (track !== undefined && track.id !== point.track) {
      past = { ...track, status: 'lost' };
      seen = [];
      sum = {};
    }
    seen.push(point);
    sum = addVotes(sum, point.votes ?? {});
    const counted = omitted === 0 && Object.keys(sum).length > 0;
    const shared = counted ? shares(sum) : votes;
    track = {
      id: point.track,
      class: counted ? winner(sum) : greatest(votes),
      votes: shared,
      status: point.measured ? 'confirmed' : 'lost',
      points: [...seen],
    };
    const found = of(
      judge.observe({ live: past === undefined ? [track] : [past, track], ended: [] }, point.time).infractions,
    );
    past = undefined;
    if (found !== undefined) return found;
  }
  const last = points.at(-1);
  return last === undefined ? undefined : of(judge.finish(last.time).infractions);
}

function greatest(votes: ReadonlyMap<ObjectClass, number>): ObjectClass {
  let best: readonly [ObjectClass, number] = ['car', 0];
  for (const one of votes) if (one[1] > best[1]) best = one;
  return best[0];
}

/** The phases of the record, whatever head is asked for: a record has those of one. */
function recordedPhases(stretches: readonly PhaseStretch[]): PhaseSource {
  return {
    phaseAt: (_head, time, elapsed): PhaseReading => {
      const now = stretches.findLast(({ fromMs }) => fromMs <= elapsed);
      if (now === undefined) return { known: false, reason: 'the record says nothing of this moment' };
      if (now.phase === 'unknown') return { known: false, reason: now.reason };
      const since = utcMilliseconds(time - (elapsed - now.fromMs));
      return { known: true, phase: now.phase, since, source: now.source };
    },
  };
}
