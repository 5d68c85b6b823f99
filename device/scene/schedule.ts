import type { UtcMilliseconds } from '../kernel/units.ts';
import { type WeeklyWindow, weekDays } from './schema-parts.ts';

/** True where the date falls into one of the weekly windows of local time; always without windows. */
export function holds(windows: readonly WeeklyWindow[] | undefined, utc: UtcMilliseconds, timeZone: string): boolean {
  if (windows === undefined) return true;
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(utc);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  const day = weekDays.find((one) => one === part('weekday').toLowerCase());
  const time = `${part('hour')}:${part('minute')}`;
  return windows.some(
    (window) =>
      (window.days === undefined || (day !== undefined && window.days.includes(day))) &&
      window.from <= time &&
      time < window.to,
  );
}
