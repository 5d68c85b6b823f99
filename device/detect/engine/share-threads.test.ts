import test from 'ava';
import { shareThreads } from './share-threads.ts';

test('every thread is used once, no session is without one, and the first get what is left over', (t) => {
  t.deepEqual(shareThreads('onnx', { threads: 2, sessions: 1 }), [2]);
  t.deepEqual(shareThreads('onnx', { threads: 1, sessions: 2 }), [1]);
  t.deepEqual(shareThreads('onnx', { threads: 2, sessions: 2 }), [1, 1]);
  t.deepEqual(shareThreads('onnx', { threads: 3, sessions: 2 }), [2, 1]);
  for (let threads = 1; threads <= 64; threads += 1) {
    for (let sessions = 1; sessions <= 5; sessions += 1) {
      const shares = shareThreads('onnx', { threads, sessions });
      t.is(shares.length, Math.min(threads, sessions));
      t.is(
        shares.reduce((sum, share) => sum + share, 0),
        threads,
      );
      t.true(Math.max(...shares) - Math.min(...shares) <= 1);
    }
  }
});

test('TensorFlow.js gets one session', (t) => {
  t.deepEqual(shareThreads('tfjs', { threads: 4, sessions: 2 }), [4]);
});
