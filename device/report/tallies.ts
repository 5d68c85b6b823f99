import { type ObjectClass, objectClasses } from '../detect/detection.ts';
import type { RunRecord } from './run-record.ts';

/** Counts by class of one lane, or of one direction over one line. */
export interface Tally {
  readonly name: string;
  /** The line's word for the way that was taken; absent for a lane, and for a line that nobody crossed. */
  readonly direction: string | undefined;
  readonly byClass: ReadonlyMap<ObjectClass, number>;
  readonly total: number;
}

/** Tracks per lane: every lane of the scene in its order, then those in no lane where there are any. */
export function laneTallies(record: RunRecord): readonly Tally[] {
  const lanes = record.scene.lanes.map((lane) =>
    tally(
      lane.name,
      undefined,
      record.tracks.filter((track) => track.lane === lane.name),
    ),
  );
  const known = new Set(record.scene.lanes.map((lane) => lane.name));
  const elsewhere = record.tracks.filter((track) => track.lane === undefined || !known.has(track.lane));
  return elsewhere.length === 0 ? lanes : [...lanes, tally('in no lane', undefined, elsewhere)];
}

/** Crossings per counting line and direction: every line of the scene in its order, with a zero where nobody crossed it. */
export function lineTallies(record: RunRecord): readonly Tally[] {
  const names = new Set([...record.scene.lines, ...record.crossings.map((crossing) => crossing.line)]);
  return [...names].flatMap((name) => {
    const crossings = record.crossings.filter((crossing) => crossing.line === name);
    const directions = [...new Set(crossings.map((crossing) => crossing.direction))].toSorted();
    if (directions.length === 0) return [tally(name, undefined, [])];
    return directions.map((direction) =>
      tally(
        name,
        direction,
        crossings.filter((crossing) => crossing.direction === direction),
      ),
    );
  });
}

/** The classes that occur in the tallies, in their usual order: the columns of a table. */
export function classesIn(tallies: readonly Tally[]): readonly ObjectClass[] {
  return objectClasses.filter((name) => tallies.some((one) => one.byClass.has(name)));
}

function tally(
  name: string,
  direction: string | undefined,
  members: readonly { readonly class: ObjectClass }[],
): Tally {
  const byClass = new Map<ObjectClass, number>();
  for (const member of members) byClass.set(member.class, (byClass.get(member.class) ?? 0) + 1);
  return { name, direction, byClass, total: members.length };
}
