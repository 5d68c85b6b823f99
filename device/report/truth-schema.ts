import type { Box, ObjectClass } from '../detect/detection.ts';
import type { RuleName } from '../judge/infraction.ts';

/** What is known for certain of a generated street: the subset that a run is compared with. */
export interface Truth {
  readonly frameRate: number;
  readonly vehicles: readonly TrueVehicle[];
}

export interface TrueVehicle {
  readonly id: string;
  readonly class: ObjectClass;
  readonly lane: string | undefined;
  /** Where the vehicle never changes its speed; undefined where it does. */
  readonly constantKmh: number | undefined;
  /** Speed by frame, km/h. */
  readonly speeds: ReadonlyMap<number, number>;
  /** Box by frame, on the frames where it can be seen. */
  readonly boxes: ReadonlyMap<number, Box>;
  readonly infractions: readonly TrueInfraction[];
}

export interface TrueInfraction {
  readonly rule: RuleName;
  /** Seconds since the recording began. */
  readonly timeS: number;
}
