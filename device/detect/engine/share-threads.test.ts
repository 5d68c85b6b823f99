import test from 'ava';
import { shareThreads } from './share-threads.ts';

test('every thread is used once; two sessions at most, the first no smaller than the second', (t) => {
  t.deepEqual(shareThreads('onnx', 1), [1]);
  t.deepEqual(shareThreads('onnx', 2), [1, 1]);
  t.deepEqual(shareThreads('onnx', 3), [2, 1]);
  t.deepEqual(shareThreads('onnx', 4), [2, 2]);
  for (let threads = 1; threads <= 64; threads += 1) {
    const shares = shareThreads('onnx', threads);
    t.is(
      shares.reduce((sum, share) => sum + share, 0),
      threads,
    );
    t.true(shares.every((share) => share >= 1));
  }
});

test('TensorFlow.js gets one session', (t) => {
  t.deepEqual(shareThreads('tfjs', 4), [4]);
});
