import type { UpdateState } from './update-state.ts';
import type { UpdateLimits, UpdateStep, Where } from './update-step.ts';
import { dayOf, nextDay } from './windows.ts';

/** Bytes that may still come over the link on the day of `now`, UTC; zero and less where they are used up. */
export const leftOfDay = ({ bytes }: Pick<UpdateState, 'bytes'>, now: number, perDay = Infinity): number =>
  perDay - (bytes.day === dayOf(now) ? bytes.bytes : 0);

/** Whether somebody may be asked at `now`. The unit's own bound, not the job's: a job could keep the one that takes it back from being heard of. */
export const mayAsk = (
  from: Where | undefined,
  state: Pick<UpdateState, 'bytes'>,
  now: number,
  { bytesPerDay }: Pick<UpdateLimits, 'bytesPerDay'>,
): boolean => from !== 'link' || leftOfDay(state, now, bytesPerDay) > 0;

export const waitForNextDay = (now: number, perDay: number): UpdateStep => ({
  kind: 'wait',
  until: nextDay(now),
  reason: `bytes-per-day: the ${perDay} bytes of today are used`,
});
