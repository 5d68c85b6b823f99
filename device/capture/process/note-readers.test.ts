import { PassThrough } from 'node:stream';
import test from 'ava';
import { noteReader } from './note-readers.ts';

for (const words of ['metadata', 'framecrc', 'identity', 'showinfo'] as const) {
  test(`${words}: whoever waits for a note when the stream is destroyed is told that none comes`, async (t) => {
    const stream = new PassThrough();
    const reader = noteReader(words, stream);
    const waiting = reader.next();
    setImmediate(() => stream.destroy());
    t.is(await waiting, undefined);
    t.is(await reader.next(), undefined);
  });
}

test('what was written before the end is still given', async (t) => {
  const stream = new PassThrough();
  const reader = noteReader('metadata', stream);
  stream.end('SensorTimestamp=1000000\n\nSensorTimestamp=2000000\n\n');
  t.is((await reader.next())?.stamp, 1);
  t.is((await reader.next())?.stamp, 2);
  t.is(await reader.next(), undefined);
});
