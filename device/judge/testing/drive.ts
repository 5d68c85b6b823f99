import type { CaptureTime } from '../../capture/frame.ts';
import type { Box, ObjectClass } from '../../detect/detection.ts';
import { milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import { parseScene } from '../../scene/load-scene.ts';
import type { Scene } from '../../scene/scene.ts';
import { randomNumbers } from '../../scene/testing/camera.ts';
import type { Track, TrackPoint } from '../../track/track.ts';
import type { Crossing, Infraction } from '../infraction.ts';
import { Judge, type PlaceDoubts } from '../judge.ts';
import type { PhaseSource } from '../phase.ts';
import type { RawData } from '../raw-data.ts';
import { SchedulePhases } from '../schedule-phase.ts';
import type { SpeedReport } from '../speeding.ts';

/** One road user of a test: its box at each second of the source, `undefined` where it is not seen. */
export interface Actor {
  readonly id: number;
  readonly class?: ObjectClass;
  readonly box: (seconds: number) => Box | undefined;
  /** The shares of the classes in the tracker's vote at each second, the greatest first; all for `class` by default. */
  readonly votes?: (seconds: number) => readonly (readonly [ObjectClass, number])[];
}

export interface Outcome {
  readonly infractions: readonly Infraction[];
  readonly withheld: readonly Infraction[];
  readonly crossings: readonly Crossing[];
  readonly speeds: readonly SpeedReport[];
  readonly raw: ReadonlyMap<Infraction, RawData>;
  readonly judge: Judge;
}

export interface Drive {
  readonly seconds: number;
  readonly rate?: number;
  /** Noise of every box edge as a share of the box, 1 sigma, seeded. */
  readonly jitter?: number;
  readonly phases?: PhaseSource;
  readonly doubts?: PlaceDoubts;
  /** For how many milliseconds a track is kept that is not seen. Default 500. */
  readonly patience?: number;
  readonly source?: CaptureTime['clock']['source'];
  /** Date of the first frame. */
  readonly start?: number;
}

/** Monday 2026-06-01, 08:00 UTC. */
export const monday = Date.UTC(2026, 5, 1, 8);

export const sceneOf = (yaml: string): Scene => parseScene(yaml, 'test');

/** Drives the actors through a judge as a tracker would hand them over: one update a frame, ended `patience` after the last box. */
export function drive(scene: Scene, actors: readonly Actor[], options: Drive): Outcome {
  const { seconds, rate = 25, jitter = 0, start = monday, source = 'recording', patience = 500 } = options;
  const judge = new Judge({
    scene,
    phases: options.phases ?? new SchedulePhases(scene.signals),
    ...(options.doubts === undefined ? {} : { doubts: options.doubts }),
  });
  const random = randomNumbers(20260601);
  const infractions: Infraction[] = [];
  const withheld: Infraction[] = [];
  const crossings: Crossing[] = [];
  const speeds: SpeedReport[] = [];
  const raw = new Map<Infraction, RawData>();
  const histories = new Map<number, TrackPoint[]>();
  const take = (judged: ReturnType<Judge['observe']>): void => {
    infractions.push(...judged.infractions);
    withheld.push(...judged.withheld);
    crossings.push(...judged.crossings);
    speeds.push(...judged.speeds);
    for (const [infraction, data] of judged.raw) raw.set(infraction, data);
  };
  let time: CaptureTime = timeAt(0, start, source);
  for (let frame = 0; frame < seconds * rate; frame++) {
    time = timeAt((frame * 1000) / rate, start, source);
    const live: Track[] = [];
    const ended: Track[] = [];
    for (const actor of actors) {
      const exact = actor.box(frame / rate);
      const points = histories.get(actor.id) ?? [];
      const noise = (size: number): number => jitter * size * random.normal();
      if (exact !== undefined) {
        const box = {
          x: exact.x + noise(exact.width),
          y: exact.y + noise(exact.height),
          width: exact.width + noise(exact.width),
          height: exact.height + noise(exact.height),
        };
        points.push({ frame, time, box, score: 0.9, measured: true });
      } else if (points.length === 0) continue;
      histories.set(actor.id, points);
      const last = points.at(-1);
      const gone = last === undefined ? 0 : time.elapsed - last.time.elapsed;
      if (gone > patience && gone <= patience + 1000 / rate) ended.push(trackOf(actor, points, 'ended', frame / rate));
      else if (gone <= patience) {
        live.push(trackOf(actor, points, exact === undefined ? 'lost' : 'confirmed', frame / rate));
      }
    }
    take(judge.observe({ live, ended }, time));
  }
  take(judge.finish(time));
  return { infractions, withheld, crossings, speeds, raw, judge };
}

function trackOf(actor: Actor, points: readonly TrackPoint[], status: Track['status'], seconds: number): Track {
  const shares = actor.votes?.(seconds) ?? [[actor.class ?? 'car', 1] as const];
  const kind = shares[0]?.[0] ?? 'car';
  return { id: actor.id, class: kind, votes: new Map(shares), status, points };
}

function timeAt(elapsed: number, start: number, source: CaptureTime['clock']['source']): CaptureTime {
  return {
    utc: utcMilliseconds(start + elapsed),
    elapsed: milliseconds(elapsed),
    clock: { source, synchronised: false, dated: true, intervalError: milliseconds(1) },
  };
}

/** A box by its bottom centre. */
export const boxAt = (x: number, y: number, width = 80, height = 60): Box => ({
  x: x - width / 2,
  y: y - height,
  width,
  height,
});
