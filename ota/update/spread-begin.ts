import { createHash } from 'node:crypto';
import type { UpdateJob } from '../contract/job.ts';
import { closesAt, opensAt, type WindowSets } from './windows.ts';

/** From 0 up to 1: the same for the same unit and job, so that no restart draws again; even over the units of a fleet. */
const drawOf = (unit: string, job: string): number =>
  createHash('sha256').update(`${unit}\n${job}`).digest().readUInt32BE(0) / 2 ** 32;

/**
 * When this unit begins, ms of UTC: drawn over `spreadSeconds` from the first open moment on, or over that open time where it is shorter:
 * else all that were drawn for a closed hour would begin together when the next window opens.
 */
export function beginOf(job: UpdateJob, sets: WindowSets, unit: string): number {
  const start = Math.max(Date.parse(job.issued), Date.parse(job.notBefore ?? job.issued));
  const opens = opensAt(sets, start) ?? start;
  const closes = closesAt(sets, opens) ?? Infinity;
  return opens + Math.floor(drawOf(unit, job.id) * Math.min(job.spreadSeconds * 1000, closes - opens));
}
