import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import { loadScene, parseScene } from './load-scene.ts';
import { project, testCamera } from './testing/camera.ts';

const head = 'name: test\npicture: { width: 1280, height: 720 }\n';

const refused = (
  t: { fail(message: string): void },
  text: string,
  picture?: { width: number; height: number },
): AtalayaError => {
  try {
    parseScene(text, 'test.yaml', picture);
  } catch (error) {
    if (error instanceof AtalayaError) return error;
    throw error;
  }
  t.fail(`not refused:\n${text}`);
  return new AtalayaError('internal', 'not refused');
};

test('only the picture is required, and everything else has a default', (t) => {
  const scene = parseScene(head, 'test.yaml');
  t.is(scene.ground, undefined);
  t.is(scene.regions, 'auto');
  t.deepEqual(scene.lanes, []);
});

test('plate formats are names, in the order of the file; without them there is nothing to read', (t) => {
  t.deepEqual(parseScene(`${head}plates: { formats: [cl, br-mercosur] }\n`, 'test.yaml').plates, {
    formats: ['cl', 'br-mercosur'],
  });
  t.is(parseScene(head, 'test.yaml').plates, undefined);
});

for (const [what, text, said] of [
  ['plates without formats', 'plates: { formats: [] }\n', /line 3: plates\.formats/],
  ['a format that is no name', 'plates: { formats: [CL] }\n', /line 3: plates\.formats\[0\]: lower-case letters/],
  [
    'a format named twice',
    'plates:\n  formats:\n    - cl\n    - cl\n',
    /line 6: plates\.formats\[1\]: cl is named twice/,
  ],
  ['an unknown key', 'lane: []\n', /line 1: \(document\): Unrecognized key: "lane"/],
  ['an unknown key inside', 'ignore: []\nlanes:\n  - name: a\n    polgon: []\n', /line 5: lanes\[0\].*polgon/s],
  [
    'a point outside the picture',
    'ignore:\n  - [[0, 0], [100, 0], [1400, 50]]\n',
    /line 4: ignore\[0\]\[2\]: \(1400, 50\) lies outside the picture/,
  ],
  [
    'crossing sides',
    'ignore:\n  - [[0, 0], [100, 100], [100, 0], [0, 100]]\n',
    /ignore\[0\]: sides 1 and 3 of the outline cross/,
  ],
  ['an outline without area', 'ignore:\n  - [[0, 0], [50, 50], [100, 100]]\n', /encloses no area/],
  [
    'a way without direction',
    'lanes:\n  - name: a\n    polygon: [[0, 0], [9, 0], [9, 9]]\n    direction: [[5, 5], [5, 5]]\n',
    /lanes\[0\]\.direction\[1\]: stands on the point before it/,
  ],
  [
    'an unknown signal head',
    'stopLines:\n  - name: s\n    points: [[0, 9], [9, 9]]\n    direction: [[5, 20], [5, 0]]\n    signal: T9\n',
    /line 7: stopLines\[0\]\.signal: there is no signal head T9/,
  ],
  [
    'overlapping schedules',
    'signals:\n  - name: T\n    phases:\n      schedule:\n        - { from: 0, to: 10, phase: red }\n        - { from: 8, to: 12, phase: green }\n',
    /line 8: .*green from 8 s overlaps red until 10 s/,
  ],
  [
    'a name used twice',
    'countingLines:\n  - { name: A, points: [[0, 0], [9, 0]] }\n  - { name: A, points: [[0, 5], [9, 5]] }\n',
    /countingLines\[1\]\.name: the name A is used twice/,
  ],
  [
    'a signal head whose red is not wired',
    'signals:\n  - { name: T, phases: { input: { green: line-1 } } }\n',
    /line \d+: .*signals\[0\]\.phases.*active at red is missing/,
  ],
  ['a signal head of no line', 'signals:\n  - { name: T, phases: { input: {} } }\n', /active at red is missing/],
  [
    'a stop line whose arrow runs along it',
    'signals:\n  - { name: T, phases: { cycle: { steps: [{ seconds: 9, phase: red }] } } }\nstopLines:\n  - { name: s, points: [[100, 200], [300, 210]], direction: [[100, 200], [300, 215]], signal: T }\n',
    /stopLines\[0\]\.direction: runs along the stop line/,
  ],
  ['speed without metres', 'speed: { limitKmh: 50 }\n', /`calibration` is missing/],
  [
    'an unknown class',
    'countingLines:\n  - { name: A, points: [[0, 0], [9, 0]], classes: [tram] }\n',
    /countingLines\[0\]\.classes\[0\]/,
  ],
  ['an unknown time zone', 'timeZone: Mars/Olympus\n', /no time zone/],
  ['broken YAML', 'lanes:\n  - name: [a\n', /line \d+: /],
  ['a key given twice', 'name: again\n', /line 3: .*unique/],
] as const) {
  test(`refuses ${what}, with the line`, (t) => {
    const error = refused(t, head + text);
    t.is(error.code, 'scene-invalid');
    t.regex(error.message, what === 'an unknown key' ? /Unrecognized key: "lane"/ : said);
    t.truthy(error.hint);
  });
}

const mark = (x: number, y: number): string => {
  const image = project(testCamera, x, y);
  return `    - { image: [${image.x.toFixed(2)}, ${image.y.toFixed(2)}], road: [${x}, ${y}] }\n`;
};
const marks = [
  [-4, 15],
  [4, 15],
  [-4, 40],
  [4, 40],
  [0, 25],
] as const;
const calibration = `calibration:\n  points:\n${marks.map(([x, y]) => mark(x, y)).join('')}`;

test('a calibrated scene measures in metres', (t) => {
  const scene = parseScene(`${head}${calibration}speed: { limitKmh: 50, classes: { truck: 30 } }\n`, 'test.yaml');
  const road = scene.ground?.toRoad(project(testCamera, 2, 30));
  t.true(road !== undefined && Math.hypot(road.x - 2, road.y - 30) < 0.05);
  t.is(scene.speed?.tolerance.name, 'de');
});

test('points beyond the horizon, on one line or exchanged are refused', (t) => {
  const beyond = 'countingLines:\n  - { name: A, points: [[0, 20], [99, 20]] }\n';
  t.regex(refused(t, head + calibration + beyond).message, /countingLines\[0\]\.points\[0\]: .*beyond the horizon/);
  const line = [16, 18, 20, 30].map((y) => mark(0, y)).join('');
  t.regex(refused(t, `${head}calibration:\n  points:\n${line}`).message, /one line/);
  const [a, b, c, d] = marks.map(([x, y]) => mark(x, y)) as [string, string, string, string];
  const swap = (one: string, other: string): string => one.replace(/road: .*/, other.match(/road: .*/)?.[0] ?? '');
  t.regex(refused(t, `${head}calibration:\n  points:\n${a}${b}${swap(c, d)}${swap(d, c)}`).message, /crossed order/);
});

test('a source of the same shape is scaled, of another shape refused', (t) => {
  const text = `${head}${calibration}countingLines:\n  - { name: A, points: [[100, 400], [900, 400]] }\n`;
  const half = parseScene(text, 'test.yaml', { width: 640, height: 360 });
  t.deepEqual(half.countingLines[0]?.points[1], { x: 450, y: 200 });
  const whole = project(testCamera, 2, 30);
  const road = half.ground?.toRoad({ x: whole.x / 2, y: whole.y / 2 });
  t.true(road !== undefined && Math.hypot(road.x - 2, road.y - 30) < 0.05);
  const error = refused(t, text, { width: 640, height: 480 });
  t.is(error.code, 'scene-mismatch');
  t.regex(error.message, /640 x 480/);
});

test('the travel over a stop line goes from negative to positive, whichever way the line was drawn', async (t) => {
  const { offsetFrom } = await import('./geometry.ts');
  for (const points of ['[[100, 400], [900, 420]]', '[[900, 420], [100, 400]]']) {
    const scene = parseScene(
      `${head}signals:\n  - { name: T, phases: { schedule: [{ from: 0, to: 9, phase: red }] } }\nstopLines:\n  - name: s\n    points: ${points}\n    direction: [[500, 600], [500, 300]]\n    signal: T\n`,
      'test.yaml',
    );
    const line = scene.stopLines[0];
    if (line === undefined) return t.fail();
    t.true(offsetFrom(line.points, { x: 500, y: 500 }).across < 0);
    t.true(offsetFrom(line.points, { x: 500, y: 300 }).across > 0);
  }
  return t.pass();
});

test('a file that is not there or is no text of ours is refused', async (t) => {
  const missing = await t.throwsAsync(loadScene('/nowhere/scene.yaml'), { instanceOf: AtalayaError });
  t.regex(missing?.message ?? '', /does not exist/);
  const file = join(mkdtempSync(join(tmpdir(), 'scene-')), 'scene.yaml');
  writeFileSync(file, Buffer.from([0, 255, 1, 2, 3]));
  const damaged = await t.throwsAsync(loadScene(file), { instanceOf: AtalayaError });
  t.is(damaged?.code, 'scene-invalid');
});

test('every example scene loads', async (t) => {
  const folder = join(import.meta.dirname, 'examples');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  t.true(files.length >= 5);
  for (const file of files) {
    const scene = await loadScene(join(folder, file));
    t.is(`${scene.name}.yaml`, file);
  }
});
