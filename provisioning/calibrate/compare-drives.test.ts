import test from 'ava';
import fc from 'fast-check';
import { randomNumbers } from '../../device/scene/testing/camera.ts';
import { compareDrives, type Drive } from './compare-drives.ts';
import { comparisonText } from './drive-words.ts';
import { type MeasuredPassing, readDrives } from './drives-file.ts';

const drive = (referenceKmh: number, measuredKmh: number, more: Partial<Drive> = {}): Drive => ({
  name: 'a',
  lane: 'A1',
  referenceKmh,
  referenceU: 0.1,
  measuredKmh,
  measuredU: 0.6,
  ...more,
});

test('three drives that agree pass; En is the difference over both expanded uncertainties', (t) => {
  const { verdict, drives, all } = compareDrives([drive(50, 50.6), drive(60, 59.7), drive(70, 70.2)], ['A1']);
  t.is(verdict, 'passed');
  t.true(Math.abs((drives[0]?.en ?? 0) - 0.6 / (2 * Math.hypot(0.1, 0.6))) < 1e-9);
  t.true(Math.abs(all.biasKmh - (0.6 - 0.3 + 0.2) / 3) < 1e-9);
  t.is(all.needed, 3);
});

test('one drive beyond both uncertainties fails, and is named', (t) => {
  const { verdict, says } = compareDrives([drive(50, 50.6), drive(60, 61.5, { name: 'run 2' }), drive(70, 70.2)], []);
  t.is(verdict, 'failed');
  t.regex(says[0] ?? '', /1 of 3 drives disagree .* run 2 by \+1\.5 km\/h \(En 1\.23\)/);
});

test('too few drives in a lane, a lane that was not driven, and a coarse reference decide nothing', (t) => {
  const two = compareDrives([drive(50, 50), drive(60, 60)], ['A1', 'A2']);
  t.is(two.verdict, 'not-decided');
  t.regex(two.says[0] ?? '', /1 more in lane A1, 3 more in lane A2/);
  const coarse = compareDrives(
    [50, 60, 70].map((kmh) => drive(kmh, kmh + 2, { referenceU: 2 })),
    [],
  );
  t.is(coarse.verdict, 'not-decided');
  t.regex(coarse.says[0] ?? '', /the reference is 3\.3 times as uncertain/);
});

test('a bias that every single drive hides is said', (t) => {
  const drives = Array.from({ length: 12 }, (_, i) => drive(50 + i, 51 + i, { measuredU: 0.7, referenceU: 0.05 }));
  const { verdict, says, all } = compareDrives(drives, []);
  t.is(verdict, 'passed');
  t.true(all.isBiased);
  t.regex(says.join(' '), /1\.0 km\/h too much on average/);
  t.regex(comparisonText(compareDrives(drives, [])), /bias \+1\.0 ±0\.\d km\/h/);
});

test('an honest unit passes nearly always, and one that is off by three of its uncertainties fails nearly always', (t) => {
  const { normal } = randomNumbers(7);
  const passes = (bias: number): number => {
    let count = 0;
    for (let i = 0; i < 300; i++) {
      const drives = [50, 60, 70].map((kmh) => drive(kmh + 0.1 * normal(), kmh + bias + 0.6 * normal()));
      if (compareDrives(drives, []).verdict === 'passed') count += 1;
    }
    return count / 300;
  };
  t.true(passes(0) > 0.8, `${passes(0)}`);
  t.true(passes(1.8) < 0.15, `${passes(1.8)}`);
});

test('the verdict is passed only where every En is 1 or less and no lane is short', (t) => {
  const any = fc.record({
    name: fc.constant('x'),
    lane: fc.constantFrom('A', 'B'),
    referenceKmh: fc.double({ min: 20, max: 120, noNaN: true }),
    referenceU: fc.double({ min: 0.05, max: 1, noNaN: true }),
    measuredKmh: fc.double({ min: 20, max: 120, noNaN: true }),
    measuredU: fc.double({ min: 0.2, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 12 }), (drives) => {
      const { verdict, drives: compared, lanes } = compareDrives(drives, ['A']);
      if (compared.some(({ en }) => en > 1)) return verdict === 'failed';
      return verdict !== 'passed' || lanes.every((lane) => lane.drives >= 3);
    }),
  );
  t.pass();
});

const passings: readonly MeasuredPassing[] = [
  { time: '2026-05-04T10:00:03.000Z', lane: 'A1', speedKmh: 51, uncertaintyKmh: 0.7 },
  { time: '2026-05-04T10:00:04.000Z', lane: 'B1', speedKmh: 44, uncertaintyKmh: 0.7 },
  { time: '2026-05-04T10:09:00.000Z', lane: 'A1', speedKmh: 61, uncertaintyKmh: 0.7 },
  { time: '2026-05-04T10:09:02.000Z', lane: 'A1', speedKmh: 62, uncertaintyKmh: 0.7 },
];

test('a file of drives: with measured speeds, or looked up by lane and time', (t) => {
  const given = readDrives(
    '# reference: GNSS logger\nlane;reference_kmh;reference_u_kmh;measured_kmh;measured_u_kmh\nA1;50;0.1;50.4;0.6\n',
    'd.csv',
    [],
  );
  t.deepEqual(given, [drive(50, 50.4, { name: '1' })]);
  const looked = readDrives(
    'lane,time,reference_kmh,reference_u_kmh\nA1,2026-05-04T12:00:01+02:00,50,0.1\n',
    'd.csv',
    passings,
  );
  t.like(looked[0], { measuredKmh: 51, measuredU: 0.7 });
});

test('a file of drives is refused with its lines', (t) => {
  const said = (text: string) =>
    t.throws(() => readDrives(text, 'd.csv', passings), { code: 'usage-invalid' })?.message ?? '';
  t.regex(said(''), /it is empty/);
  t.regex(said('lane,speed\nA1,5'), /line 1: there is no column speed; known are/);
  t.regex(said('lane,reference_kmh,reference_u_kmh\nA1,50,0.1'), /line 2: give measured_kmh/);
  t.regex(said('lane,reference_kmh,reference_u_kmh\nA1,fast,0.1'), /line 2: reference_kmh/);
  const by = 'lane,time,reference_kmh,reference_u_kmh\n';
  t.regex(said(`${by}A2,2026-05-04T10:00:03Z,50,0.1`), /no speed in lane A2 within 5 s/);
  t.regex(said(`${by}A1,2026-05-04T10:09:01Z,60,0.1`), /2 speeds in lane A1 .* drive where nobody else does/);
});
