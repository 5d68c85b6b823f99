import { elapsedFace, undatedFace } from '../evidence/pictures/elapsed-face.ts';
import type { EvidenceRecord } from '../evidence/record/record.ts';
import { exact } from '../kernel/numerals.ts';
import { milliseconds } from '../kernel/units.ts';
import type { Fact } from './charge-words.ts';

type Moment = EvidenceRecord['sealed'];

export const dated = ({ clock }: Moment): boolean => clock.dated;

/** Time since the source began: `0:05.44`. */
export const intervalFace = (elapsedMs: number): string => elapsedFace(milliseconds(elapsedMs));

/** `2026-03-01 12:00:07.400 UTC`, or `date unknown, +0:05.44` where nothing states the date. */
export const momentWords = ({ utc, elapsedMs, clock }: Moment): string =>
  clock.dated ? `${utc.slice(0, 23).replace('T', ' ')} UTC` : undatedFace(milliseconds(elapsedMs));

const sources: Record<Moment['clock']['source'], string> = {
  system: "the unit's clock",
  recording: 'the recording states it',
  nominal: "counted from the recording's nominal frame rate",
};

/** What the clock was like at a moment. */
export function clockWords({ clock, elapsedMs }: Moment): readonly Fact[] {
  return [
    ['Time from', sources[clock.source]],
    [
      'Clock',
      `${clock.synchronised ? 'synchronised' : 'NOT synchronised'}, ${clock.dated ? 'date known' : 'DATE UNKNOWN'}`,
    ],
    ['Error of an interval', `±${exact(clock.intervalErrorMs)} ms (1 sigma)`],
    ['Since the source began', `${exact(elapsedMs / 1000)} s`],
  ];
}
