import test from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { watchKey } from './watch-key.ts';

test('a key is shown again when it is another one, also after a moment in which it cannot be read', async (t) => {
  const clock = new ManualClock();
  const ending = new AbortController();
  let key: string | undefined | AtalayaError = 'a';
  const shown: (string | undefined)[] = [];
  const read = async () => {
    if (key instanceof AtalayaError) throw key;
    return key;
  };
  const watched = watchKey('a', {
    key: read,
    show: async () => {
      // A wiped unit makes its next key when it is asked for it.
      key ??= 'c';
      shown.push(await read());
    },
    clock,
    timer: clock,
    signal: ending.signal,
  });
  const later = async () => {
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(milliseconds(1000));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await later();
  t.deepEqual(shown, []);
  key = 'b';
  await later();
  key = new AtalayaError('store-locked', 'it is being wiped');
  await later();
  t.deepEqual(shown, ['b']);
  key = undefined;
  await later();
  t.deepEqual(shown, ['b', 'c']);
  ending.abort();
  await watched;
});
