import test from 'ava';
import type { Frame } from '../../capture/frame.ts';
import { FrameRing } from '../../capture/frame-ring.ts';
import { configSchema } from '../../config/config-schema.ts';
import type { Detection } from '../../detect/detection.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { createIdentity } from '../../evidence/sealing/identity.ts';
import { frameOf } from '../../evidence/testing/fixtures.ts';
import { inMemory } from '../../evidence/testing/stores.ts';
import { FakeMachine } from '../../health/testing/fake-machine.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { referencePicture } from '../../selftest/reference/street.ts';
import { LineActivity } from '../../signal/line-activity.ts';
import { SimulatedLines } from '../../signal/simulated-lines.ts';
import { headsOf, namedLines } from '../lines.ts';
import { CaptureCount, nominalRate } from './camera.ts';
import { lookAtReference } from './detector.ts';
import { linkFacts } from './link.ts';
import { type SelfTestParts, UnitSelfTest } from './unit-selftest.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const size = { width: 1280, height: 720 };
const actor = { kind: 'person', name: 'T. Technician', account: 'tech' } as const;

/** Finds whatever the reference picture has, where a camera's picture of this size shows it. */
const seeing = (place: { x: number; y: number; scale: number }, log: Frame[] = []): SelfTestParts['detector'] => ({
  detect: async (frame) => {
    log.push(frame);
    const { x, y, scale } = place;
    return referencePicture.vehicles.map(
      (box): Detection => ({
        box: { x: x + box.x * scale, y: y + box.y * scale, width: box.width * scale, height: box.height * scale },
        class: 'car',
        score: fraction(0.8),
      }),
    );
  },
});

const wiring = {
  signals: [{ name: 'main', phases: { kind: 'input', red: 'red', green: 'green' } }],
} as unknown as Parameters<typeof namedLines>[1];

async function bench(more: Partial<SelfTestParts> = {}) {
  const clock = new ManualClock(now);
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  const config = configSchema.parse({
    unit: { id: 'unit-7' },
    evidence: { data: '/data' },
    signal: {
      lines: {
        driver: 'gpio',
        outputs: [
          { name: 'beacon', chip: 'c', line: 1 },
          { name: 'strobe', chip: 'c', line: 2 },
        ],
        inputs: [
          { name: 'red', chip: 'c', line: 3 },
          { name: 'green', chip: 'c', line: 4 },
          { name: 'hatch', chip: 'c', line: 5 },
          { name: 'left', chip: 'c', line: 6 },
        ],
        sensors: { door: 'hatch' },
      },
    },
  });
  const named = namedLines(config, wiring);
  const lines = SimulatedLines.open(
    {
      outputs: named.filter(({ direction }) => direction === 'output').map(({ name }) => ({ name, safe: false })),
      inputs: named.filter(({ direction }) => direction === 'input').map(({ name }) => ({ name, level: false })),
    },
    clock,
  );
  const activity = LineActivity.open(lines, named, { clock, timer: clock, deadline: milliseconds(1000) });
  const { recipient } = await createIdentity();
  const recipients = { authority: [recipient], operators: [] };
  const store = await EvidenceStore.open('/data/evidence', inMemory(files, { recipients, clock }));
  const ring = new FrameRing(1e9, () => {});
  const bystanders = new BystanderMemory('auto', { reach: milliseconds(60_000), most: 100 });
  const frame = frameOf(20);
  ring.push(frame).release();
  bystanders.observe(frame, []);
  const parts: SelfTestParts = {
    config: () => config,
    head: () => ({ unit: 'unit-7', site: 'North', program: '1', boot: 'boot-1' }),
    camera: async () => ({ kind: 'seen', seconds: 3, frames: 90, damaged: 0, nominal: 30, size, scene: size }),
    picture: { ring, bystanders, scene: { name: 'made' }, references: undefined },
    detector: seeing({ x: 0, y: 0, scale: 2 }),
    regions: 'auto',
    drawn: true,
    beside: false,
    size,
    lines: { kind: 'open', activity, heads: headsOf(wiring) },
    evidence: { store, recipients },
    broker: async () => ({ kind: 'none' }),
    machine: new FakeMachine({ temperatureC: 50 }),
    files,
    clock: {
      ...systemOf(clock),
      discipline: () => ({ synchronised: true, errorBound: milliseconds(5), estimatedError: undefined }),
    },
    timer: clock,
    ...more,
  };
  return { clock, lines, files, store, selfTest: new UnitSelfTest(parts) };
}

const systemOf = (clock: ManualClock) => ({
  utc: () => clock.utc(),
  monotonic: () => clock.monotonic(),
  state: () => clock.state(),
});

async function during<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const done = { yet: false };
  void work
    .catch(() => undefined)
    .finally(() => {
      done.yet = true;
    });
  while (!done.yet) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return work;
}

test('every line with its role; outputs are pulsed and evidence sealed because it was asked for', async (t) => {
  const { clock, lines, store, selfTest } = await bench();
  lines.drive('red', true);
  const quiet = await during(clock, selfTest.run({ pulse: [], seal: false, asked: 'command', actor }));
  t.deepEqual(
    quiet.lines.map(({ name, role, active, changes }) => [name, role, active, changes]),
    [
      ['red', 'red of main', true, 1],
      ['green', 'green of main', false, 0],
      ['hatch', 'door', false, 0],
      ['left', 'spare', false, 0],
      ['beacon', 'beacon', undefined, undefined],
      ['strobe', 'strobe', undefined, undefined],
    ],
  );
  t.deepEqual(
    quiet.findings.filter(({ check }) => check === 'lines').map(({ subject, code }) => `${subject}: ${code}`),
    [
      'red: line-good',
      'green: line-unchanged',
      'hatch: line-unchanged',
      'left: line-spare',
      'beacon: line-output-idle',
      'strobe: line-output-idle',
    ],
  );
  t.is(store.ledger.last, 0);
  t.false(lines.timeline.some(({ cause }) => cause === 'set'));
  const asked = { pulse: ['strobe'], seal: true, asked: 'selftest', actor } as const;
  const [first, second] = await during(clock, Promise.all([selfTest.run(asked), selfTest.run(asked)]));
  t.is(lines.timeline.filter(({ line, cause, level }) => line === 'strobe' && cause === 'set' && level).length, 2);
  t.deepEqual([first?.evidence?.sequence, second?.evidence?.sequence], [1, 2], 'one after the other');
  const sealed = second?.findings.find(({ check }) => check === 'evidence');
  t.like(sealed, { code: 'evidence-good', subject: 'unit-1-000000002' });
  t.true((sealed?.figures[1]?.value ?? 0) > 1000, 'with its picture');
  await store.close();
});

test('what cannot be had is in the report, and everything else is tested', async (t) => {
  const { clock, files, store, selfTest } = await bench({
    camera: async () => ({ kind: 'unavailable', says: 'the cable' }),
    picture: {
      ring: new FrameRing(1, () => {}),
      bystanders: new BystanderMemory('auto', { reach: milliseconds(1), most: 1 }),
      scene: { name: 'made' },
      references: undefined,
    },
    detector: { detect: () => Promise.reject(new AtalayaError('engine-failed', 'no memory')) },
    lines: { kind: 'unavailable', says: 'no chip' },
    evidence: { fault: 'the key is missing' },
  });
  files.plan = ({ kind }) => (kind === 'datasync' ? { code: 'EIO' } : undefined);
  const report = await during(clock, selfTest.run({ pulse: [], seal: true, asked: 'command', actor }));
  t.deepEqual(
    report.findings.filter(({ outcome }) => outcome === 'failed').map(({ code }) => code),
    ['camera-unavailable', 'lines-unavailable', 'storage-failed', 'detector-failed', 'evidence-refused'],
  );
  t.is(report.findings.find(({ check }) => check === 'temperature')?.code, 'temperature-good');
  await store.close().catch(() => undefined);
});

test('a clock that is behind its own ledger is found', async (t) => {
  const { clock, store, selfTest } = await bench();
  await during(clock, selfTest.run({ pulse: [], seal: true, asked: 'command', actor }));
  clock.setUtc(now - 86_400_000);
  const report = await during(clock, selfTest.run({ pulse: [], seal: false, asked: 'command', actor }));
  t.is(report.findings.find(({ check }) => check === 'clock')?.code, 'clock-behind-evidence');
  await store.close();
});

test('the reference picture is shown where the unit looks, as large as the camera is', async (t) => {
  const shown: Frame[] = [];
  const clock = new ManualClock(now);
  const region = { x: 100, y: 200, width: 320, height: 320 };
  const place = { x: 100, y: 270, scale: 0.5 };
  const parts = { size, clock, beside: false };
  const regional = await lookAtReference({
    ...parts,
    regions: [{ x: 0, y: 0, width: 50, height: 50 }, region],
    detector: seeing(place, shown),
  });
  t.like(regional, { kind: 'looked', found: 4, due: 4 });
  const picture = shown[0]?.picture;
  t.like(picture, { format: 'rgb24', ...size });
  const at = (x: number, y: number) => picture?.data[(y * size.width + x) * 3];
  t.is(at(10, 10), 128);
  t.not(at(260, 360), 128);
  const blind = await lookAtReference({ ...parts, regions: 'auto', detector: { detect: async () => [] } });
  t.like(blind, { found: 0, due: 4 });
  const missing = await lookAtReference({ ...parts, regions: 'auto', detector: seeing(place), path: '/none.jpg' });
  t.like(missing, { kind: 'failed' });
});

test('a camera is looked at as long as it needs', async (t) => {
  const clock = new ManualClock(now);
  const look = { clock, timer: clock, size, scene: size };
  const count = new CaptureCount();
  count.captured();
  const looking = count.look({ ...look, nominal: 0.5 });
  for (let i = 0; i < 3; i++) {
    count.captured();
    if (i === 0) count.damaged();
    await clock.advance(1900);
  }
  const facts = await during(clock, looking);
  t.like(facts, { kind: 'seen', frames: 3, damaged: 1, nominal: 0.5 });
  count.ended();
  t.is((await count.look({ ...look, nominal: undefined })).kind, 'ended');
  count.ended('the cable');
  t.like(await count.look({ ...look, nominal: 30 }), { kind: 'unavailable', says: 'the cable' });
  const configOf = (source: object) => configSchema.parse({ unit: { id: 'unit-7' }, source });
  t.is(nominalRate(configOf({ camera: { kind: 'rpicam-still', intervalS: 2 } })), 0.5);
  t.is(nominalRate(configOf({ camera: { kind: 'v4l2', device: '/dev/video0', rate: 25 } })), 25);
  t.is(nominalRate(configOf({ path: 'a.mjpeg' })), undefined);
});

test('what the link tells', (t) => {
  const clock = new ManualClock(now);
  const view = {
    offlineSince: undefined,
    offlineWhy: undefined,
    heardAt: milliseconds(clock.monotonic() - 400),
    roundTrip: milliseconds(70),
    figures: undefined,
    reconnects: 0,
    dropped: 0,
    refusedMessages: 0,
    setAside: [],
  };
  const config = configSchema.parse({ unit: { id: 'unit-7' }, cloud: { broker: 'mqtt://localhost' } });
  t.deepEqual(linkFacts(config, view, clock), { kind: 'connected', heardAgoMs: 400, roundTripMs: 70 });
  const offline = { ...view, offlineSince: milliseconds(clock.monotonic() - 900), offlineWhy: 'refused' };
  t.deepEqual(linkFacts(config, offline, clock), { kind: 'offline', forMs: 900, says: 'refused' });
  t.deepEqual(linkFacts(configSchema.parse({ unit: { id: 'unit-7' } }), view, clock), { kind: 'none' });
});
