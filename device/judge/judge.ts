import type { CaptureTime } from '../capture/frame.ts';
import { milliseconds } from '../kernel/units.ts';
import type { Scene } from '../scene/scene.ts';
import type { TrackUpdate } from '../track/track.ts';
import { BlockedBox } from './blocked-box.ts';
import { CrossingCounter } from './crossing.ts';
import type { Crossing, Infraction, RuleName } from './infraction.ts';
import type { PhaseSource } from './phase.ts';
import { type RawData, rawDataOf } from './raw-data.ts';
import { RedLight } from './red-light.ts';
import { RestrictedLane } from './restricted-lane.ts';
import type { Rule } from './rule.ts';
import { Speeding, type SpeedReport } from './speeding.ts';
import { StopLineRule } from './stop-line.ts';
import { Stopping } from './stopping.ts';
import { type Sight, Subjects } from './subject.ts';
import { type Happening, isTwin } from './twin.ts';
import { WrongWay } from './wrong-way.ts';

export interface Judged {
  readonly infractions: readonly Infraction[];
  /** What nobody is accused of, since the camera does not stand where its lines were drawn. */
  readonly withheld: readonly Infraction[];
  readonly crossings: readonly Crossing[];
  /** What each of the infractions was made from. Held beside them, since the evidence alone needs it. */
  readonly raw: ReadonlyMap<Infraction, RawData>;
  /** One per road user of a calibrated scene, when its measurement closes; also where no speed could be stated. */
  readonly speeds: readonly SpeedReport[];
}

/** Accusations that are remembered, to be held against those that follow. */
const memory = milliseconds(10_000);

export interface JudgeParts {
  readonly scene: Scene;
  readonly phases: PhaseSource;
  /** How far the detector's boxes reach below the wheels on average, as a share of their height; 0 where they end there. */
  readonly boxOvershoot?: number;
  /** What speaks against the place of the camera; absent: nobody looks. */
  readonly doubts?: PlaceDoubts;
}

/** Why something is not to be said now; `undefined` where nothing speaks against it. */
export interface PlaceDoubts {
  /** Against stating a speed. */
  readonly speedDoubt: string | undefined;
  /** Against accusing anybody: lines and zones do not lie where they were drawn. */
  readonly accusationDoubt: string | undefined;
}

/**
 * Holds every road user against the rules of the scene. Fed once per tracked frame, in order; what it finds is reported a few frames after
 * the frame that is charged, since a rule waits until it is sure.
 *
 * Memory is bounded by the road users in view and those lost in the last ten seconds.
 */
export class Judge {
  readonly #subjects: Subjects;
  readonly #rules: readonly Rule[];
  readonly #counters: readonly CrossingCounter[];
  readonly #speeding: Speeding;
  readonly #phases: PhaseSource;
  readonly #doubts: PlaceDoubts | undefined;
  /** Accusations of the last seconds, to know a road user that is tracked twice. */
  #recent: (Happening & { readonly rule: RuleName })[] = [];

  constructor({ scene, phases, boxOvershoot = 0, doubts }: JudgeParts) {
    this.#subjects = new Subjects(scene);
    this.#phases = phases;
    this.#doubts = doubts;
    this.#speeding = new Speeding(scene, boxOvershoot, () => doubts?.speedDoubt);
    this.#counters = scene.countingLines.map((line) => new CrossingCounter(line));
    this.#rules = [
      ...scene.stopLines.map((line) => new RedLight(scene, line, phases)),
      ...scene.stopLines.map((line) => new StopLineRule(scene, line, phases)),
      new WrongWay(scene),
      ...scene.noStopping.map((zone) => new Stopping(scene, zone)),
      ...scene.boxJunctions.map((box) => new BlockedBox(scene, box)),
      ...scene.lanes.filter((lane) => lane.restriction !== undefined).map((lane) => new RestrictedLane(scene, lane)),
    ];
  }

  /** How many road users are remembered. */
  get remembered(): number {
    return this.#subjects.size;
  }

  /** What the tracker's update for the frame taken at `now` brings to light. */
  observe(update: TrackUpdate, now: CaptureTime): Judged {
    return this.#judge(this.#subjects.observe(update, now));
  }

  /** Closes every open measurement when the source has ended at `now`. */
  finish(now: CaptureTime): Judged {
    return this.#judge(this.#subjects.finish(now));
  }

  #judge(sights: readonly Sight[]): Judged {
    const infractions: Infraction[] = [];
    const withheld: Infraction[] = [];
    const crossings: Crossing[] = [];
    const speeds: SpeedReport[] = [];
    const raw = new Map<Infraction, RawData>();
    const accuse = (sight: Sight, infraction: Infraction | undefined): void => {
      if (infraction === undefined || !this.#isNew(sight, infraction)) return;
      if (this.#doubts?.accusationDoubt !== undefined) {
        withheld.push(infraction);
        return;
      }
      infractions.push(infraction);
      raw.set(infraction, rawDataOf(sight.subject, headOf(infraction), this.#phases));
    };
    for (const sight of sights) {
      for (const counter of this.#counters) crossings.push(...counter.observe(sight));
      for (const rule of this.#rules) accuse(sight, rule.observe(sight));
      const report = this.#speeding.measure(sight);
      if (report === undefined) continue;
      speeds.push(report);
      accuse(sight, this.#speeding.judge(sight, report));
    }
    return { infractions, withheld, crossings, raw, speeds };
  }

  /** False where the same road user was accused of the same a moment ago under another track. */
  #isNew({ subject, now }: Sight, { rule, frame, time, box }: Infraction): boolean {
    const happening = { subject, rule, frame, time, box };
    this.#recent = this.#recent.filter((one) => now.elapsed - one.time.elapsed < memory);
    if (this.#recent.some((one) => one.rule === rule && isTwin(one, happening))) return false;
    this.#recent.push(happening);
    return true;
  }
}

const headOf = ({ measured }: Infraction): string | undefined => ('head' in measured ? measured.head : undefined);
