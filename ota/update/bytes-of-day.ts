import type { UpdateState } from './update-state.ts';
import type { UpdateStep } from './update-step.ts';
import { dayOf, nextDay } from './windows.ts';

/** Bytes that may still come over the link on the day of `now`, UTC; zero and less where they are used up. */
export const leftOfDay = ({ bytes }: Pick<UpdateState, 'bytes'>, now: number, perDay = Infinity): number =>
  perDay - (bytes.day === dayOf(now) ? bytes.bytes : 0);

export const waitForNextDay = (now: number, perDay: number): UpdateStep => ({
  kind: 'wait',
  until: nextDay(now),
  reason: `bytes-per-day: the ${perDay} bytes of today are used`,
});
