import test from 'ava';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { RepositorySource } from '../contract/repository.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { assignFirst, settle } from './testing/unit-lives.ts';
import { UpdateHistory } from './update-history.ts';
import type { UpdateStep } from './update-step.ts';
import type { UpdateWork } from './update-work.ts';

/** A unit whose newest job has ended, and the work of its next start. */
async function settled(unit: MadeUnit, bundles: MadeBundles): Promise<UpdateWork> {
  await assignFirst(unit, bundles);
  await settle(unit);
  return unit.openWork('a');
}

/** What is done until nothing more is to be done now. */
async function work(on: UpdateWork): Promise<readonly UpdateStep['kind'][]> {
  const steps: UpdateStep['kind'][] = [];
  for (;;) {
    const step = await on.next(new AbortController().signal, () => undefined);
    if (step.kind === 'idle' || step.kind === 'wait') return steps;
    steps.push(step.kind);
  }
}

test('who can send hints and garbage, and nothing else, adds one refusal a day, and a check a minute', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const on = await settled(unit, bundles);
  await work(on);
  const [acts, reports] = [unit.acts.length, unit.reports.length];
  let answers = 0;
  unit.made.source.answer = (path) => {
    if (path !== 'director/timestamp.json') return undefined;
    answers += 1;
    return { bytes: Buffer.from(answers % 2 === 0 ? '[]' : `{"signed":${answers}`) };
  };
  const steps: UpdateStep['kind'][] = [];
  for (let second = 0; second < 600; second += 1) {
    on.hinted(`job-${second + 5000}`);
    steps.push(...(await work(on)));
    await unit.clock.advance(1000);
  }
  const checks = steps.filter((step) => step === 'check').length;
  t.true(checks >= 9 && checks <= 11, String(checks));
  t.is(unit.acts.length - acts, 1);
  t.is(unit.reports.length - reports, 1);
  const refused = (await UpdateHistory.read(unit.files, root)).filter(({ event }) => event === 'refused');
  t.is(refused.length, 1);
  await unit.clock.advance(25 * 3_600_000);
  await work(on);
  t.is(unit.acts.length - acts, 2);
});

test('the same refusal in other words, at ordinary checks, is one a day', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const on = await settled(unit, bundles);
  await work(on);
  const acts = unit.acts.length;
  await unit.clock.advance(400 * 86_400_000);
  for (let check = 0; check < 20; check += 1) {
    await work(on);
    await unit.clock.advance(6 * 3_600_000);
  }
  const more = unit.acts.length - acts;
  t.true(more >= 3 && more <= 6, String(more));
});

test('a hint that names what is known asks for nothing; one that names something new does not shorten a backoff', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const on = await settled(unit, bundles);
  await work(on);
  on.hinted('job-0001');
  t.deepEqual(await work(on), []);
  on.hinted('job-0002');
  t.deepEqual(await work(on), ['check']);
  const down = (): never => {
    throw new AtalayaError('link-down', 'the link is gone');
  };
  unit.made.source.answer = down;
  await unit.clock.advance(7 * 3_600_000);
  for (let fault = 0; fault < 6; fault += 1) {
    t.deepEqual(await work(on), ['check']);
    await unit.clock.advance(900_000);
  }
  t.deepEqual(await work(on), ['check']);
  const asked = unit.made.source.requests.length;
  const resume = { at: unit.clock.monotonic() + 50_000, reason: 'store-failed: no', of: 'clean' } as const;
  on.session.resume = resume;
  for (let second = 0; second < 100; second += 1) {
    on.hinted(`job-${5000 + second}`);
    t.deepEqual(await work(on), []);
    await unit.clock.advance(1000);
  }
  t.is(unit.made.source.requests.length, asked);
  t.is(on.session.resume, resume);
});

test('a link is asked once while the clock is not good, and at once when it is; its metadata counts as bytes of the day', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.clockGood = false;
  let bytes = 0;
  const source: RepositorySource = unit.made.source;
  const metadata = source.metadata.bind(source);
  source.metadata = async (path, most) => {
    const came = await metadata(path, most);
    bytes += came?.byteLength ?? 0;
    return came;
  };
  const on = await unit.openWork('image');
  const steps: UpdateStep['kind'][] = [];
  for (let minute = 0; minute < 120; minute += 1) {
    on.hinted();
    steps.push(...(await work(on)));
    await unit.clock.advance(30_000);
  }
  t.is(steps.filter((step) => step === 'check').length, 1);
  t.true(bytes > 0);
  t.is(on.state.bytes.bytes, bytes);
  unit.clockGood = true;
  t.is((await work(on))[0], 'check');
  t.is(on.newestJob?.id, 'job-0001');
});
