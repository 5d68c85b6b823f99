import type { DailyWindow } from '../contract/job.ts';

/** When something may be done: inside one window of every set; a set without windows is always open. UTC. */
export type WindowSets = readonly (readonly DailyWindow[])[];

const minute = 60_000;
const day = 24 * 60 * minute;

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** From 0, the begin of its day; `to` is not inside. One that ends when it begins is the whole day. */
function holds({ from, to }: DailyWindow, time: number): boolean {
  const [begin, end] = [minutesOf(from) * minute, minutesOf(to) * minute];
  if (begin === end) return true;
  return begin < end ? time >= begin && time < end : time >= begin || time < end;
}

export const isOpen = (sets: WindowSets, now: number): boolean =>
  sets.every((windows) => windows.length === 0 || windows.some((window) => holds(window, now % day)));

/** Moments at which a window begins or ends, in the two days from `now` on. */
function bounds(sets: WindowSets, now: number): readonly number[] {
  const midnight = now - (now % day);
  return sets
    .flat()
    .flatMap(({ from, to }) => [from, to])
    .flatMap((time) => [0, 1, 2].map((days) => midnight + days * day + minutesOf(time) * minute))
    .filter((moment) => moment > now && moment <= now + 2 * day)
    .sort((a, b) => a - b);
}

/** `now` where it is open; undefined where the windows never meet. */
export const opensAt = (sets: WindowSets, now: number): number | undefined =>
  isOpen(sets, now) ? now : bounds(sets, now).find((moment) => isOpen(sets, moment));

/** End of the open time that `now` is in; undefined where there is no end. */
export const closesAt = (sets: WindowSets, now: number): number | undefined =>
  bounds(sets, now).find((moment) => !isOpen(sets, moment));

/** `2026-03-01`, UTC. */
export const dayOf = (utc: number): string => new Date(utc).toISOString().slice(0, 10);

export const nextDay = (utc: number): number => utc - (utc % day) + day;
