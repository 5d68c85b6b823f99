import type { Manifest } from '../../../models/contract/manifest.ts';

/** Each session costs some 20 MB, and a third one no longer fits beside the rest. */
const MOST_SESSIONS = 2;

/**
 * Shares processor threads out among inference sessions: one entry a session, the number of threads that it computes with.
 *
 * Two sessions of one thread each get more out of two cores than one session of two, whose threads wait for each other in every operator
 * (`device/decisions/0006-*`). TensorFlow.js decides on threads by itself and gets one session.
 */
export function shareThreads(engine: Manifest['engine'], threads: number): readonly number[] {
  if (engine === 'tfjs') return [threads];
  const sessions = Math.min(MOST_SESSIONS, threads);
  return Array.from({ length: sessions }, (_, i) => Math.floor((threads + sessions - 1 - i) / sessions));
}
