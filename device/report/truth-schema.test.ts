import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
import { loadTruth } from './truth-schema.ts';

const bus = {
  id: 'bus-1',
  class: 'bus',
  lane: 'BUS',
  plate: '5902VHF',
  speed: { kind: 'constant', kmh: 41 },
  infractions: [{ rule: 'red-light', time: 15.85 }],
  frames: [
    { frame: 8, box: [700, 300, 790, 420], kmh: 41 },
    { frame: 9, box: [702, 296, 790, 413.5], kmh: 41 },
  ],
};

const truthOf = (rate: number, vehicles: readonly unknown[]) => ({
  schema: 'atalaya/street-truth/1',
  frame: { rate },
  vehicles,
});

async function write(t: { teardown(done: () => Promise<void>): void }, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'truth-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'truth.json');
  await writeFile(path, content);
  return path;
}

test('a truth file is read: what is compared, by frame and in its units', async (t) => {
  const truth = await loadTruth(await write(t, JSON.stringify(truthOf(15, [bus]))));
  const [vehicle] = truth.vehicles;
  t.is(truth.frameRate, 15);
  t.is(vehicle?.constantKmh, 41);
  t.is(vehicle?.plate, '5902VHF');
  t.deepEqual(vehicle?.boxes.get(9), { x: 702, y: 296, width: 88, height: 117.5 });
  t.deepEqual(
    [...(vehicle?.speeds ?? [])],
    [
      [8, 41],
      [9, 41],
    ],
  );
  t.deepEqual(vehicle?.infractions, [{ rule: 'red-light', timeS: 15.85 }]);
});

test('a vehicle that changes its speed has no constant one', async (t) => {
  const path = await write(t, JSON.stringify(truthOf(15, [{ ...bus, speed: { kind: 'stop', kmh: 41 } }])));
  t.is((await loadTruth(path)).vehicles[0]?.constantKmh, undefined);
});

test('a truth need not say what stands on a plate', async (t) => {
  const { plate: _, ...plain } = bus;
  const path = await write(t, JSON.stringify(truthOf(15, [plain])));
  t.is((await loadTruth(path)).vehicles[0]?.plate, undefined);
});

test('a truth that does not say what is needed is refused, each fault by its place', async (t) => {
  const faults: [unknown, RegExp][] = [
    [truthOf(0, []), /frame\.rate: /],
    [{ ...truthOf(15, []), schema: 'another' }, /schema: /],
    [truthOf(15, [{ ...bus, class: 'tram' }]), /vehicles\[0\]\.class: /],
    [truthOf(15, [{ ...bus, plate: '5902 VHF' }]), /vehicles\[0\]\.plate: /],
    [truthOf(15, [{ ...bus, infractions: [{ rule: 'tailgating', time: 1 }] }]), /infractions\[0\]\.rule: /],
    [truthOf(15, [{ ...bus, frames: [{ frame: 1, box: [0, 0, 0, 5], kmh: 1 }] }]), /frames\[0\]\.box: /],
    [truthOf(15, [bus, bus]), /two vehicles have the same id/],
  ];
  for (const [content, message] of faults) {
    const error = await t.throwsAsync(loadTruth(await write(t, JSON.stringify(content))), { message });
    t.true(isAtalayaError(error, 'usage-invalid'));
  }
});

test('a truth that is not there or no JSON is refused with a hint', async (t) => {
  const path = await write(t, '{"frameRate": 15,');
  const torn = await t.throwsAsync(loadTruth(path), { message: /cannot be read/ });
  const missing = await t.throwsAsync(loadTruth(`${path}.gone`), { message: /it does not exist/ });
  for (const error of [torn, missing]) t.true(isAtalayaError(error, 'usage-invalid') && error.hint !== undefined);
});
