import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pictureBytes } from '../capture/frame.ts';
import { recordingClock } from '../capture/frame-times.ts';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { Journal } from '../evidence/journal.ts';
import type { Infraction } from '../judge/infraction.ts';
import { systemClock } from '../kernel/clock.ts';
import { systemFiles } from '../kernel/files.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { BenchContext, Figure } from './figure.ts';

/** How fast evidence becomes durable on this disk: journal entries alone, one after the other and together, and whole seals at 720p. */
export async function benchEvidence({ scratch }: BenchContext): Promise<readonly Figure[]> {
  const figure = (name: string, value: number, unit: string, ratio?: string): Figure => ({
    section: 'evidence',
    name,
    value,
    unit,
    ...(ratio === undefined ? {} : { ratio }),
  });
  const journal = await Journal.open(join(scratch, 'journal'), {
    files: systemFiles,
    segmentBytes: 16 * 1024 * 1024,
    atLeast: 0,
  });
  const single = await timed(200, (i) => journal.append((sequence) => ({ entry: i, sequence })));
  const begin = performance.now();
  await Promise.all(Array.from({ length: 2000 }, (_, i) => journal.append((sequence) => ({ entry: i, sequence }))));
  const together = (performance.now() - begin) / 2000;
  await journal.close();

  const store = await EvidenceStore.open(join(scratch, 'store'), {
    unit: 'bench',
    boot: randomUUID(),
    clock: systemClock,
  });
  const seal = await timed(15, (i) => store.seal(infraction(i), { at: frame(i) }, context));
  await store.close();
  const open = await timed(3, async () => {
    const again = await EvidenceStore.open(join(scratch, 'store'), {
      unit: 'bench',
      boot: randomUUID(),
      clock: systemClock,
    });
    await again.close();
  });
  return [
    figure('journal append, durable, one at a time', single, 'ms'),
    figure(
      'journal append, durable, many at once',
      together,
      'ms',
      `${(single / together).toFixed(0)} times as fast as one at a time`,
    ),
    figure('seal of a 1280x720 infraction, durable', seal, 'ms'),
    figure('opening the store with 15 records', open, 'ms'),
  ];
}

/** Median of `count` calls one after the other, milliseconds. */
async function timed(count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const begin = performance.now();
    await work(i);
    times.push(performance.now() - begin);
  }
  return times.toSorted((a, b) => a - b)[count >> 1] ?? Number.NaN;
}

function timeOf(i: number) {
  const elapsed = milliseconds(i * 40);
  return { utc: utcMilliseconds(1.7e12 + elapsed), elapsed, clock: recordingClock };
}

function frame(i: number) {
  const [width, height] = [1280, 720];
  const data = new Uint8Array(new SharedArrayBuffer(pictureBytes('yuv420p', width, height)));
  for (let at = 0; at < data.length; at += 1) data[at] = (at * 31 + i + (at >> 9)) & 255;
  const picture = { format: 'yuv420p', width, height, data, range: 'limited' } as const;
  return { kind: 'pixels', sequence: i, time: timeOf(i), picture } as const;
}

function infraction(i: number): Infraction {
  return {
    rule: 'wrong-way',
    frame: i,
    time: timeOf(i),
    track: i + 1,
    class: 'car',
    lane: 'lane 1',
    box: { x: 500, y: 300, width: 200, height: 150 },
    measured: { rule: 'wrong-way', lane: 'lane 1', againstDeg: 178, distancePx: 120 },
    findings: [],
  };
}

const digest = '0'.repeat(64);
const context = {
  provenance: {
    site: { id: 'bench', name: 'bench' },
    software: { version: 'bench' },
    configuration: { sha256: digest },
    scene: { name: 'bench', sha256: digest },
    model: { id: 'bench', sha256: digest },
  },
  track: [],
  marks: [],
};
