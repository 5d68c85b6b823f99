import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Picture } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { DetectThreadStart } from './detect-messages.ts';
import { DetectorThread } from './detector-thread.ts';
import { detectionDefaults } from './region-detector.ts';

/** What the thread does to those who wait for it, held on programs that misbehave at will. The real program: `worker-detector.test.ts`. */

const region = { x: 0, y: 0, width: 4, height: 4 };
const picture: Picture = { format: 'rgb24', width: 4, height: 4, data: new Uint8Array(new SharedArrayBuffer(48)) };
const start = {
  bundle: { folder: '', manifest: {}, sha256: '', anchors: new Float32Array(0), files: new Map() },
  threads: 1,
  settings: detectionDefaults,
} as unknown as DetectThreadStart;

/** Opens a thread that runs `body`, in which `port` is its port. */
async function opened(t: ExecutionContext, body: string, onDeath: (fault: AtalayaError) => void = () => undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-thread-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'program.mjs');
  await writeFile(file, `import { parentPort as port } from 'node:worker_threads';\n${body}`);
  const thread = await DetectorThread.open(start, onDeath, pathToFileURL(file));
  t.teardown(() => thread.close());
  return thread;
}

const ready = `port.postMessage({ kind: 'ready', ready: 'made up' });`;

for (const [how, program, message] of [
  ['ends', 'process.exit(3)', /has ended/],
  ['throws', `throw new Error('broke')`, /failed: broke/],
] as const) {
  test(`a thread that ${how}: every question rejects, those that wait and those that come, and it is told once`, async (t) => {
    const deaths: AtalayaError[] = [];
    const thread = await opened(t, `${ready} port.on('message', (m) => { if (m.id === 1) { ${program} } });`, (fault) =>
      deaths.push(fault),
    );
    t.is(thread.engine, 'made up');
    const waiting = await Promise.allSettled([thread.view(picture, region), thread.view(picture, region)]);
    for (const answer of waiting) {
      t.true(answer.status === 'rejected' && answer.reason instanceof AtalayaError);
      t.like(answer, { reason: { code: 'engine-failed' } });
      t.regex(String(answer.status === 'rejected' && answer.reason), message);
    }
    await t.throwsAsync(thread.view(picture, region), { code: 'engine-failed', message });
    await thread.close();
    t.is(deaths.length, 1);
    t.is(thread.waiting, 0);
  });
}

test('closing is no death; what waits rejects at once, and the thread is asked to finish', async (t) => {
  const deaths: AtalayaError[] = [];
  const thread = await opened(
    t,
    `${ready} port.on('message', (m) => { if (m.kind === 'close') port.close(); });`,
    (fault) => deaths.push(fault),
  );
  const waiting = thread.view(picture, region);
  t.is(thread.waiting, 1);
  const closed = thread.close();
  await t.throwsAsync(waiting, { code: 'engine-failed', message: /closed/ });
  await closed;
  await thread.close();
  t.deepEqual(deaths, []);
});

test('a thread that does not finish is stopped by a deadline', async (t) => {
  const thread = await opened(t, `${ready} port.on('message', () => { for (;;) {} });`);
  const from = performance.now();
  await thread.close();
  const took = performance.now() - from;
  t.true(took >= 1900 && took < 20_000, `${took} ms`);
});

test('an answer to no question is passed over; answers find their questions in any order', async (t) => {
  const thread = await opened(
    t,
    `${ready} const seen = (id, x) => port.postMessage({ kind: 'answered', id, answer: { region: { x }, detections: [] } });
     port.on('message', (m) => { if (m.id === 1) { seen(77, 9); seen(1, 1); seen(0, 0); } });`,
  );
  const [first, second] = await Promise.all([thread.view(picture, region), thread.view(picture, region)]);
  t.is(first.region.x, 0);
  t.is(second.region.x, 1);
});

for (const [how, program, code, message] of [
  [
    'refuses',
    `port.postMessage({ kind: 'refused', fault: { code: 'bundle-invalid', message: 'no' } });`,
    'bundle-invalid',
    /^no$/,
  ],
  ['ends before a word', 'process.exit(4)', 'engine-unavailable', /ended with code 4/],
  ['throws before a word', `throw new Error('broke')`, 'engine-unavailable', /did not start: broke/],
  ['answers out of turn', `port.postMessage({ kind: 'answered', id: 0 });`, 'internal', /out of turn/],
] as const) {
  test(`a thread that ${how} is not opened`, async (t) => {
    await t.throwsAsync(opened(t, program), { code, message });
  });
}
