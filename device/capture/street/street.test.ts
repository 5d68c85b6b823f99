import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadFrameTimes, undated } from '../frame-times.ts';
import { MjpegCamera } from '../mjpeg-camera.ts';

const here = import.meta.dirname;
const clip = join(here, 'street.mjpeg');

interface TrueVehicle {
  readonly id: string;
  readonly plate: string;
  readonly direction: 'away' | 'towards';
  readonly x: number;
  readonly widthMetres: number;
  readonly lengthMetres: number;
  readonly speed: { readonly kind: string; readonly kmh: number };
  readonly path: readonly unknown[];
  readonly crossings: readonly { readonly line: string; readonly y: number; readonly frontBumper: number | null }[];
  readonly infractions: readonly { readonly rule: string; readonly frame: number }[];
  readonly frames: readonly { readonly frame: number; readonly frontY: number; readonly kmh: number }[];
}

interface Truth {
  readonly frame: { readonly width: number; readonly height: number; readonly rate: number; readonly count: number };
  readonly phases: readonly { readonly from: number; readonly to: number; readonly phase: string }[];
  readonly vehicles: readonly TrueVehicle[];
}

const truth: Truth = JSON.parse(await readFile(join(here, 'truth.json'), 'utf8'));

test('the clip is as long and as large as its truth says, every picture decodes, and it fits its budget', async (t) => {
  const damage: unknown[] = [];
  const camera = new MjpegCamera({
    path: clip,
    nominalRate: 1,
    start: undated,
    onDamage: (one) => damage.push(one),
  });
  const { signal } = new AbortController();
  const info = await camera.open(signal);
  t.deepEqual([info.width, info.height, info.frames], [truth.frame.width, truth.frame.height, truth.frame.count]);
  let frames = 0;
  for await (const frame of camera.frames(signal)) {
    t.is(frame.sequence, frames);
    camera.release(frame);
    frames += 1;
  }
  await camera.close();
  t.is(frames, truth.frame.count);
  t.deepEqual(damage, []);
  t.true(frames / truth.frame.rate >= 20);
  t.true((await stat(clip)).size <= 32_000_000);
});

test('the times are those of the truth', async (t) => {
  const times = await loadFrameTimes(clip);
  t.is(times?.frames, truth.frame.count);
  for (const number of [0, 1, 100, truth.frame.count - 1]) {
    const elapsed = times?.at(number)?.elapsed ?? Number.NaN;
    t.true(Math.abs(elapsed - (number * 1000) / truth.frame.rate) < 0.01);
  }
});

test('positions, speeds and crossing times of the truth agree with each other', (t) => {
  for (const { id, direction, speed, frames, crossings } of truth.vehicles) {
    const sign = direction === 'away' ? 1 : -1;
    for (const [i, now] of frames.entries()) {
      const before = frames[i - 1];
      if (before === undefined || now.frame !== before.frame + 1) continue;
      const driven = (now.frontY - before.frontY) * sign * truth.frame.rate * 3.6;
      t.true(Math.abs(driven - (now.kmh + before.kmh) / 2) < 0.2, `${id} at frame ${now.frame}: ${driven} km/h`);
    }
    if (speed.kind === 'constant')
      t.true(
        frames.every(({ kmh }) => Math.abs(kmh - speed.kmh) < 0.01),
        id,
      );
    for (const { line, y, frontBumper } of crossings) {
      if (frontBumper === null) continue;
      const frame = frames.findLast((one) => one.frame / truth.frame.rate <= frontBumper);
      if (frame === undefined) continue;
      const ahead = (frontBumper - frame.frame / truth.frame.rate) * (frame.kmh / 3.6) * sign;
      t.true(Math.abs(frame.frontY + ahead - y) < 0.1, `${id} at ${line}`);
    }
  }
});

test('no two vehicles ever stand on the same piece of road', (t) => {
  for (let frame = 0; frame < truth.frame.count; frame += 1) {
    const there = truth.vehicles.flatMap((vehicle) => {
      const at = vehicle.frames.find((one) => one.frame === frame);
      // Vehicles that change lanes have a path; their place across the road is not in the truth.
      if (at === undefined || vehicle.path.length > 0) return [];
      const rear = at.frontY + (vehicle.direction === 'away' ? -1 : 1) * vehicle.lengthMetres;
      return [
        {
          id: vehicle.id,
          x: vehicle.x,
          half: vehicle.widthMetres / 2,
          from: Math.min(at.frontY, rear),
          to: Math.max(at.frontY, rear),
        },
      ];
    });
    for (const [i, a] of there.entries()) {
      for (const b of there.slice(i + 1)) {
        const beside = Math.abs(a.x - b.x) > a.half + b.half;
        t.true(beside || a.to < b.from || b.to < a.from, `${a.id} and ${b.id} at frame ${frame}`);
      }
    }
  }
});

test('every vehicle has a plate of its own, in the form of Spanish plates since 2000', (t) => {
  const plates = truth.vehicles.map(({ plate }) => plate);
  t.is(new Set(plates).size, truth.vehicles.length);
  for (const plate of plates) t.regex(plate, /^\d{4}[BCDFGHJKLMNPRSTVWXYZ]{3}$/);
});

test('the story has what it is there for', (t) => {
  const committed = truth.vehicles.flatMap(({ infractions }) => infractions.map(({ rule }) => rule)).toSorted();
  t.deepEqual(committed, ['red-light', 'restricted-lane', 'speeding', 'speeding', 'stopping', 'wrong-way']);
  t.true(truth.vehicles.filter(({ infractions }) => infractions.length === 0).length >= 8);
  t.deepEqual(
    truth.phases.map(({ phase }) => phase),
    ['green', 'amber', 'red'],
  );
});
