import test from 'ava';
import fc from 'fast-check';
import { figureLine } from '../../device/bench/figure.ts';
import { againstBest, changeFigures } from './byte-figures.ts';
import { median } from './median.ts';
import { memoryFigures } from './memory.ts';
import type { Measured } from './patch-ways.ts';
import { newestPatchPair, versionBefore } from './pick-versions.ts';
import { resumeFigures } from './resume.ts';
import { shapedFigures, throughputFigures } from './transport.ts';

const way = (name: string, bytes: number): Measured => ({ way: name, bytes, makeSeconds: 2, applySeconds: 1 });

test('ours is held against the smallest of the others, whatever their order', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1 }),
      (ours, others) => {
        const rivals = others.map((bytes, i) => way(`way ${i}`, bytes));
        const found = againstBest({ ours: way('ours', ours), rivals });
        const least = Math.min(...others);
        return found?.best.bytes === least && found.held === ours / least <= 1.1;
      },
    ),
  );
  t.is(againstBest({ ours: way('ours', 5), rivals: [] }), undefined);
});

test('a patch that is too large says so, with how much', (t) => {
  const rivals = [way('other', 120), way('best', 100)];
  const lines = (bytes: number) =>
    changeFigures({ change: 'one file', whole: 10_000, level: 19, ours: way('ours', bytes), rivals }).map(figureLine);
  t.deepEqual(lines(110), [
    'ota one file: whole target 10000 bytes, level 19',
    'ota one file: our patch 110 bytes, 1.100 of the best, best, bar 1.1; 1.100 % of the whole; made in 2.0 s, applied as a durable tree in 1.0 s',
    'ota one file: other 120 bytes, 1.200 % of the whole; made in 2.0 s, applied in 1.0 s',
    'ota one file: best 100 bytes, 1.000 % of the whole; made in 2.0 s, applied in 1.0 s',
  ]);
  t.regex(lines(111)[1] ?? '', /1\.110 of the best, best, bar 1\.1: MISSED/);
});

test('versions before a version, and the newest that differ in the last number by one', (t) => {
  const versions = ['24.9.0', '24.18.1', '24.10.0', '24.18.0', '25.0.0', '25.0.1', '24.21.0'];
  t.is(versionBefore(versions, '24.10.0'), '24.9.0');
  t.is(versionBefore(versions, '24.21.0'), '24.18.1');
  t.is(versionBefore(versions, '24.9.0'), undefined);
  t.is(versionBefore(versions, '24.11.0'), undefined);
  t.deepEqual(newestPatchPair(versions, 24), ['24.18.0', '24.18.1']);
  t.is(newestPatchPair(['24.1.0', '24.2.1', '24.2.3'], 24), undefined);
});

test('what is over a bar says so', (t) => {
  const job = (peak: number) => ({ seconds: 1, peak });
  const memory = (peak: number) => memoryFigures({ idle: job(60e6), whole: job(peak), tree: 243e6 }).map(figureLine);
  t.deepEqual(memory(200e6), [
    'ota peak memory: download and unpack a tree of 243 MB 200 MB, 140 MB over a process that only loads it, bar 250; 1.0 s',
  ]);
  t.regex(memory(250e6)[0] ?? '', /bar 250: MISSED/);
  const result = {
    ...{ outcome: 'complete', seconds: 100, connections: 5, peakMemory: 1, bytesPerSecond: 1, cuts: 4 },
    client: {
      ...{ received: 0, receivedTwice: 7, nonsense: 0, requests: 0, probes: 0, lost: 0 },
      ...{ roundTripMs: undefined, window: 0, outstanding: 0 },
    },
  };
  const shaped = (twicePercent: number) =>
    shapedFigures(2e6, { ...result, published: 0, twicePercent }).map(figureLine);
  t.deepEqual(shaped(2.9), [
    'ota shaped link: 2 MB 100 s, complete, 4 cuts, 160 of 200 kbit/s',
    'ota shaped link: sent twice 2.900 %, bar 3',
  ]);
  t.is(shaped(3)[1], 'ota shaped link: sent twice 3.000 %, bar 3: MISSED');
  const [resumed] = resumeFigures({ bytes: 1000, cuts: 4, seconds: 100, published: 1025, twice: 7 });
  t.regex(resumed?.ratio ?? '', /^1\.0250 of its length, .*; 7 bytes came twice; 100 s$/);
});

test('throughput is compared by the middle of the rounds', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 2, 3]), 2.5);
  const lines = throughputFigures([{ roundTripMs: 50, bare: [40e6, 20e6, 30e6], ours: [24e6, 27e6, 1e6] }]).map(
    figureLine,
  );
  t.deepEqual(lines, [
    'ota bare QoS 0 stream at 50 ms 30.0 MB/s, of 40.0, 20.0, 30.0',
    'ota download at 50 ms 24.0 MB/s, 0.80 of bare; of 24.0, 27.0, 1.0',
  ]);
});
