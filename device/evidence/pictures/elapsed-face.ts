import type { Milliseconds } from '../../kernel/units.ts';

/** Position in a recording: `0:07.43`, `1:02:07.43`. */
export function elapsedFace(elapsed: Milliseconds): string {
  const hundredths = Math.max(0, Math.round(elapsed / 10));
  const hours = Math.floor(hundredths / 360_000);
  const minutes = Math.floor(hundredths / 6000) % 60;
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** What stands in a date's place where nothing states the date: `date unknown, +0:05.44` since the source began. */
export const undatedFace = (elapsed: Milliseconds): string => `date unknown, +${elapsedFace(elapsed)}`;
