import test from 'ava';
import fc from 'fast-check';
import { memoryWords } from './memory-words.ts';

test('memory of a unit is told where there is some to tell, and never as less than nothing', (t) => {
  t.is(memoryWords(2_950_000, false), '2.95 MB a unit');
  t.is(memoryWords(12_345_678, true), '12.35 MB a unit, bridge included');
  for (const none of [-2_950_000, -1, 0, 4000, Number.NaN]) t.regex(memoryWords(none, true), /^too little to measure/);
  fc.assert(
    fc.property(fc.double(), fc.boolean(), (bytes, withBridge) => {
      t.notRegex(memoryWords(bytes, withBridge), /-|NaN|^0\.00/);
    }),
    { numRuns: 300 },
  );
});
