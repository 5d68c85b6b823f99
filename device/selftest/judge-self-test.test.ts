import test from 'ava';
import fc from 'fast-check';
import { usualLimits } from '../health/health-facts.ts';
import type { LineState } from '../signal/contract/line-state.ts';
import { bars } from './bars.ts';
import { selfTestFinding } from './contract/self-test-report.ts';
import type { SelfTestFacts } from './facts.ts';
import { goodCodes, untestedCodes } from './findings.ts';
import { judgeSelfTest, outcomeOf } from './judge-self-test.ts';
import { makeReport } from './make-report.ts';
import { type TroubleCode, troubleCodes } from './remedies.ts';
import { healthyFacts, now } from './testing/healthy-facts.ts';

const day = 24 * 3_600_000;
const { camera, picture, lines, storage, reference, certificates } = healthyFacts;
if (camera.kind !== 'seen' || lines.kind !== 'open' || storage.kind !== 'measured' || picture === undefined)
  throw new Error('the fixture is not healthy');
if (reference.kind !== 'compared' || certificates.kind !== 'read') throw new Error('the fixture is not healthy');
const [line] = lines.lines;
const withLine = (changes: Partial<LineState>): Partial<SelfTestFacts> => ({
  lines: { ...lines, lines: [{ ...(line as LineState), ...changes }] },
});
const certificate = (from: number, until: number): Partial<SelfTestFacts> => ({
  certificates: { kind: 'read', utc: now, certificates: [{ name: 'of the unit', from, until }] },
});
const evidence = (changes: object): Partial<SelfTestFacts> => ({
  evidence: { ...healthyFacts.evidence, ...changes } as SelfTestFacts['evidence'],
});

/** What is wrong, what it is found as, and how bad that is; each on a unit that is well otherwise. */
const troubles: readonly (readonly [
  string,
  Partial<SelfTestFacts>,
  TroubleCode,
  'doubtful' | 'failed',
  RegExp | undefined,
])[] = [
  [
    'no camera',
    { camera: { kind: 'unavailable', says: 'no device /dev/video0' } },
    'camera-unavailable',
    'failed',
    /video0/,
  ],
  ['a camera that is silent', { camera: { ...camera, frames: 0 } }, 'camera-unavailable', 'failed', /No frame/],
  [
    'two thirds of the frames',
    { camera: { ...camera, frames: 60 } },
    'camera-slow',
    'doubtful',
    /20 frames a second of the 30/,
  ],
  ['a third of the frames', { camera: { ...camera, frames: 30 } }, 'camera-slow', 'failed', undefined],
  [
    'a recording of one frame a second',
    { camera: { kind: 'seen', seconds: 3, frames: 3, damaged: 0, size: camera.size, scene: camera.scene } },
    'camera-slow',
    'failed',
    /evidence needs 5/,
  ],
  ['a bad cable', { camera: { ...camera, damaged: 3 } }, 'camera-damaged', 'doubtful', /3 of 93 frames/],
  ['a broken cable', { camera: { ...camera, damaged: 30 } }, 'camera-damaged', 'failed', undefined],
  [
    'another shape',
    { camera: { ...camera, size: { width: 640, height: 480 } } },
    'camera-size',
    'failed',
    /640 x 480.*1280 x 720/,
  ],
  [
    'a lens cap',
    { picture: { ...picture, mean: 5, spread: 1.5, black: 0.4 } },
    'camera-covered',
    'failed',
    /black all over/,
  ],
  [
    'snow on the window',
    { picture: { ...picture, mean: 240, spread: 2, white: 0.2 } },
    'camera-covered',
    'failed',
    /white all over/,
  ],
  [
    'a picture out of focus',
    { reference: { kind: 'none' }, picture: { ...picture, blur: 0.72 } },
    'focus-soft',
    'failed',
    /blurred/,
  ],
  [
    'a soft picture',
    { reference: { kind: 'none' }, picture: { ...picture, blur: 0.55 } },
    'focus-soft',
    'doubtful',
    /soft/,
  ],
  [
    'less detail than at the calibration',
    { reference: { ...reference, detail: 0.4 } },
    'focus-soft',
    'doubtful',
    /40 %/,
  ],
  ['hardly any detail', { reference: { ...reference, detail: 0.1 } }, 'focus-soft', 'failed', /10 %/],
  ['headlights', { picture: { ...picture, white: 0.2 } }, 'exposure-bright', 'doubtful', /20 % .* white/],
  ['an overexposed picture', { picture: { ...picture, white: 0.6 } }, 'exposure-bright', 'failed', undefined],
  ['a night without a lamp', { picture: { ...picture, black: 0.99, mean: 8 } }, 'exposure-dark', 'failed', /black/],
  ['a scene that nobody has drawn', { drawn: false }, 'scene-empty', 'failed', /nobody is judged/],
  ['a bump', { reference: { ...reference, shiftPx: 6 } }, 'camera-moved', 'doubtful', /6 px/],
  ['a turned camera', { reference: { ...reference, shiftPx: 20 } }, 'camera-moved', 'failed', undefined],
  [
    'fog',
    { reference: { kind: 'compared', patches: 12, seen: 1, agreeing: 0, allowedPx: 2 } },
    'place-unseen',
    'doubtful',
    /1 of 12/,
  ],
  [
    'references of another scene',
    { reference: { kind: 'unusable', says: 'of another' } },
    'references-unusable',
    'failed',
    undefined,
  ],
  ['no chip', { lines: { kind: 'unavailable', says: 'no chip pinctrl-rp1' } }, 'lines-unavailable', 'failed', /rp1/],
  ['a dead line', withLine({ fault: 'gone' }), 'line-dead', 'failed', /red of main.*gone/],
  [
    'a line stuck',
    withLine({ active: true, changes: 0 }),
    'line-unchanged',
    'doubtful',
    /is on, and has not changed in 10 min/,
  ],
  ['an open door', withLine({ role: 'door', active: true }), 'line-door-open', 'doubtful', undefined],
  ['a tamper switch', withLine({ role: 'tamper', active: true }), 'line-tampered', 'doubtful', undefined],
  [
    'an output that hangs',
    withLine({ direction: 'output', role: 'beacon', pulsed: false }),
    'line-pulse-failed',
    'failed',
    undefined,
  ],
  ['a name that is no output', { lines: { ...lines, unknown: ['bacon'] } }, 'line-unknown', 'failed', /bacon/],
  [
    'red and green at once',
    { lines: { ...lines, lines: lines.lines.map((one) => (one.name === 'green' ? { ...one, active: true } : one)) } },
    'lamps-contradict',
    'failed',
    /main shows red \(red\) and green \(green\)/,
  ],
  ['a free clock', { clock: { utc: now, synchronised: false } }, 'clock-unsynchronised', 'failed', undefined],
  [
    'a far time server',
    { clock: { utc: now, synchronised: true, errorBoundMs: 1800 } },
    'clock-inexact',
    'failed',
    /1.8 s/,
  ],
  [
    'a clock behind its ledger',
    { clock: { utc: now, synchronised: true, newestEntry: now + day } },
    'clock-behind-evidence',
    'failed',
    /2026-03-01T12.*2026-03-02T12/,
  ],
  ['a disk that refuses', { storage: { kind: 'failed', says: 'EROFS' } }, 'storage-failed', 'failed', /EROFS/],
  ['a slow card', { storage: { ...storage, p99Ms: 400 } }, 'storage-slow', 'doubtful', /400 ms/],
  ['a card at its end', { storage: { ...storage, megabytesPerSecond: 0.5 } }, 'storage-slow', 'failed', undefined],
  ['a full disk', { storage: { ...storage, freeBytes: 50e6 } }, 'storage-full', 'failed', /50 MB/],
  ['a disk that fills', { storage: { ...storage, freeBytes: 4e9 } }, 'storage-full', 'doubtful', undefined],
  ['a worn medium', { machine: { ...healthyFacts.machine, wearPercent: 90 } }, 'medium-worn', 'doubtful', undefined],
  [
    'a medium at its end',
    { machine: { ...healthyFacts.machine, wearPercent: 100 } },
    'medium-worn',
    'failed',
    undefined,
  ],
  ['a fan that stands', { machine: { ...healthyFacts.machine, temperatureC: 91 } }, 'too-hot', 'failed', /91/],
  [
    'a processor held back',
    { machine: { ...healthyFacts.machine, throttled: true } },
    'throttled',
    'doubtful',
    undefined,
  ],
  ['a thin cable', { machine: { ...healthyFacts.machine, underVoltage: true } }, 'power-low', 'failed', undefined],
  ['no plug', { network: { ...healthyFacts.network, addresses: 0 } }, 'network-no-address', 'failed', undefined],
  [
    'no gateway',
    { network: { ...healthyFacts.network, route: false, nameFault: 'ENOTFOUND' } },
    'network-no-route',
    'failed',
    undefined,
  ],
  [
    'a wrong name',
    { network: { ...healthyFacts.network, nameFault: 'ENOTFOUND' } },
    'network-no-name',
    'failed',
    /broker.example/,
  ],
  [
    'no broker',
    { broker: { kind: 'offline', forMs: 90_000, says: 'refused' } },
    'broker-unreachable',
    'failed',
    /90 s: refused/,
  ],
  ['a slow modem', { broker: { kind: 'connected', roundTripMs: 8000 } }, 'broker-slow', 'doubtful', /8 s/],
  [
    'files of another unit',
    { certificates: { kind: 'unusable', says: 'of unit-8' } },
    'certificate-unusable',
    'failed',
    undefined,
  ],
  ['an expired certificate', certificate(now - 40 * day, now - day), 'certificate-expired', 'failed', /2026-02-28/],
  ['a certificate of tomorrow', certificate(now + day, now + 9 * day), 'certificate-not-begun', 'failed', undefined],
  [
    'two thirds of a life',
    certificate(now - 70 * day, now + 30 * day),
    'certificate-renewal-due',
    'doubtful',
    /in 30 days/,
  ],
  ['a damaged bundle', { detector: { kind: 'failed', says: 'hash' } }, 'detector-failed', 'failed', undefined],
  [
    'a slow board',
    { detector: { kind: 'looked', inferenceMs: 600, found: 4, due: 4, beside: false } },
    'detector-slow',
    'doubtful',
    undefined,
  ],
  [
    'a detector that sees nothing',
    { detector: { kind: 'looked', inferenceMs: 40, found: 1, due: 4, beside: false } },
    'detector-blind',
    'failed',
    /1 of the 4/,
  ],
  [
    'a store that refuses',
    { evidence: { kind: 'refused', says: 'store-full' } },
    'evidence-refused',
    'failed',
    undefined,
  ],
  [
    'an entry that is changed',
    evidence({ faults: ['The signature is wrong.'] }),
    'evidence-faulty',
    'failed',
    /signature/,
  ],
  ['no authority', evidence({ authority: false, pictureBytes: 0 }), 'evidence-no-authority', 'doubtful', undefined],
  ['no picture', evidence({ pictureBytes: 0 }), 'evidence-no-picture', 'doubtful', undefined],
];

for (const [name, changes, code, outcome, says] of troubles) {
  test(`${name}: ${code}`, (t) => {
    const findings = judgeSelfTest({ ...healthyFacts, ...changes });
    const wrong = findings.filter((one) => one.outcome === 'failed' || one.outcome === 'doubtful');
    t.deepEqual(
      wrong.map((one) => [one.code, one.outcome]),
      [[code, outcome]],
    );
    if (says !== undefined) t.regex(wrong[0]?.says ?? '', says);
    t.is(outcomeOf(findings), outcome);
    for (const one of findings) t.notThrows(() => selfTestFinding.parse(one));
  });
}

test('every trouble that has a remedy is one that a test produces', (t) => {
  t.deepEqual([...new Set(troubles.map(([, , code]) => code))].toSorted(), [...troubleCodes].toSorted());
});

test('a unit that is well passes every check', (t) => {
  const findings = judgeSelfTest(healthyFacts);
  t.deepEqual([...new Set(findings.map(({ outcome }) => outcome))], ['passed']);
  t.is(outcomeOf(findings), 'passed');
});

test('a unit alone on a desk is told what was not tested, and that worsens nothing', (t) => {
  const findings = judgeSelfTest({
    camera: { kind: 'ended', says: 'over' },
    reference: { kind: 'none' },
    lines: { kind: 'simulated' },
    clock: healthyFacts.clock,
    storage,
    machine: {},
    network: { addresses: 0, route: false },
    broker: { kind: 'none' },
    certificates: { kind: 'none' },
    detector: healthyFacts.detector,
    evidence: { kind: 'not-asked' },
  });
  t.is(outcomeOf(findings), 'passed');
  t.is(findings.filter(({ outcome }) => outcome === 'not-tested').length, 12);
  const known: readonly string[] = [...goodCodes, ...untestedCodes];
  for (const { code } of findings) t.true(known.includes(code), code);
});

test('beside the unit at work a look may take twice as long', (t) => {
  const slow = { kind: 'looked', inferenceMs: 400, found: 4, due: 4 } as const;
  const codeOf = (beside: boolean) =>
    judgeSelfTest({ ...healthyFacts, detector: { ...slow, beside } }).find(({ check }) => check === 'detector')?.code;
  t.is(codeOf(true), 'detector-good');
  t.is(codeOf(false), 'detector-slow');
});

test('bars that the health of a unit has as well are the same', (t) => {
  const { temperature, disk } = usualLimits;
  t.deepEqual<object, object>(bars.temperature, { doubt: temperature.raise, fail: temperature.critical });
  t.deepEqual<object, object>(bars.storage.used, { doubt: disk.raise, fail: disk.critical });
});

test('a report keeps to its contract whatever is found, and drops what is well first', (t) => {
  const head = {
    unit: 'unit-7',
    site: 'S'.repeat(300),
    program: '1',
    boot: 'b',
    at: '2026-03-01T12:00:00.000Z',
    asked: 'command',
  } as const;
  fc.assert(
    fc.property(fc.string({ maxLength: 900, unit: 'binary' }), fc.integer({ min: 0, max: 120 }), (words, count) => {
      const many = Array.from({ length: count }, (_, i): LineState => {
        const name = `${words.slice(0, 40)}${i}`;
        return {
          name,
          direction: 'input',
          role: words || 'loop',
          ...(i % 3 === 0 ? { fault: words } : { active: true }),
        };
      });
      const report = makeReport(head, { ...healthyFacts, lines: { ...lines, lines: many, heads: [] } });
      const failed = report.findings.filter(({ outcome }) => outcome === 'failed').length;
      return report.findings.length <= 100 && failed === Math.min(100, Math.ceil(count / 3));
    }),
    { numRuns: 60 },
  );
  t.pass();
});
