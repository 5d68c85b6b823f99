import type { Manifest } from '../../../models/contract/manifest.ts';

/**
 * Shares processor threads out among inference sessions: one entry a session, the number of threads that it computes with. No session is
 * without a thread, so there may be fewer than wanted. TensorFlow.js decides on threads by itself and gets one session.
 */
export function shareThreads(
  engine: Manifest['engine'],
  { threads, sessions }: { readonly threads: number; readonly sessions: number },
): readonly number[] {
  if (engine === 'tfjs') return [threads];
  const count = Math.max(1, Math.min(sessions, threads));
  return Array.from({ length: count }, (_, i) => Math.floor((threads + count - 1 - i) / count));
}
