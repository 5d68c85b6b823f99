import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse as parseYaml, stringify } from 'yaml';
import type { Box } from '../../detect/detection.ts';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import type { Point } from '../../scene/geometry.ts';
import { bend, lensBefore } from '../../scene/lens.ts';
import { parseScene } from '../../scene/load-scene.ts';
import { rederive } from './re-derive.ts';
import type { RederivableRecord } from './rederivable.ts';
import { streetRecords } from './testing/records.ts';

const street = join(import.meta.dirname, '../../scene/examples/street.yaml');
const picture = { width: 1920, height: 1080 };
const model = { k1: -0.07, k2: 0.01 };
const lens = lensBefore(model, picture);

const bentPoint = ({ x, y }: Point): Point => {
  const at = bend(lens, { x, y });
  const inside = (value: number, most: number) => Math.round(Math.min(most, Math.max(0, value)) * 1000) / 1000;
  return { x: inside(at.x, picture.width), y: inside(at.y, picture.height) };
};

/** Every picture point of the file as the lens shows it. */
function bentValue(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const [x, y] = value as readonly unknown[];
    const isPoint = key !== 'road' && key !== 'deviations' && value.length === 2;
    if (isPoint && typeof x === 'number' && typeof y === 'number') return Object.values(bentPoint({ x, y }));
    return value.map((one) => bentValue(one, key));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, bentValue(one, name)]));
}

/** A box around the same body in the bent picture. */
function seen({ x, y, width, height }: Box): Box {
  const edge = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    bend(lens, { x: x + share * width, y }),
    bend(lens, { x: x + share * width, y: y + height }),
    bend(lens, { x, y: y + share * height }),
    bend(lens, { x: x + width, y: y + share * height }),
  ]);
  const foot = bend(lens, { x: x + width / 2, y: y + height }).y;
  const [left, top] = [Math.min(...edge.map((one) => one.x)), Math.min(...edge.map((one) => one.y))];
  return { x: left, y: top, width: Math.max(...edge.map((one) => one.x)) - left, height: foot - top };
}

const document = bentValue(parseYaml(await readFile(street, 'utf8'))) as { calibration: object };
const scene = parseScene(
  stringify({
    ...document,
    calibration: { ...document.calibration, scaleError: 0.002, lens: { ...model, deviations: [[0.002, 0]] } },
  }),
  'the street through a lens',
);
const records = await streetRecords(0.026, 20260601, { scene, seen });

test('the street through a lens: the same six accusations, and every figure comes out of its record again', (t) => {
  t.deepEqual(records.map(({ infraction }) => infraction.rule).toSorted(), [
    'red-light',
    'restricted-lane',
    'speeding',
    'speeding',
    'stopping',
    'wrong-way',
  ]);
  for (const record of records) {
    const travelled = JSON.parse(canonicalJson(record as unknown as JsonValue)) as RederivableRecord;
    const again = rederive(travelled);
    if (again.outcome !== 'same') return t.fail(`${record.infraction.rule}: ${JSON.stringify(again)}`);
    t.is(again.mapFromSurveyM, 0);
  }
  return undefined;
});

test('the simple method, which straightens by its own code, states nearly the same speeds; without the lens it does not', (t) => {
  const speeders = records.filter(({ infraction }) => infraction.rule === 'speeding');
  t.is(speeders.length, 2);
  for (const record of speeders) {
    const { simple } = rederive(record);
    if (simple?.speed.stated !== true) return t.fail();
    t.true(simple.agrees, `${simple.differenceKmh} km/h of ${simple.speed.uncertaintyKmh}`);
    t.true(Math.abs(simple.differenceKmh ?? 99) < 1.2, `${simple.differenceKmh} km/h`);
    const { ground } = record.auxiliary.calibration;
    if (ground === null) return t.fail();
    const blind = { ...record.auxiliary.calibration, ground: { ...ground, lens: null } };
    const again = rederive({ ...record, auxiliary: { ...record.auxiliary, calibration: blind } });
    t.is(again.outcome, 'differs');
  }
  return undefined;
});
