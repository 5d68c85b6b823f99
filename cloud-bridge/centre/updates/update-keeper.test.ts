import test, { type ExecutionContext } from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { JobStatus, JobStep, JobUpdate } from '../../../ota/contract/job.ts';
import { verifyReport } from '../../cli/bridge/verify-report.ts';
import type { StreamGet } from '../../contract/stream.ts';
import { MadeDirector, madeTargets } from '../../simulate/made-director.ts';
import { BridgeTrial, pause, until } from '../bridge/testing/bridge-trial.ts';
import { UnitKey } from '../bridge/testing/speaking-unit.ts';
import type { StreamWay, UpdateParts } from './update-ports.ts';

const [good] = madeTargets();
if (good === undefined) throw new Error('no targets');
const expires = '2099-01-01T00:00:00Z';
const order = {
  targets: madeTargets()
    .slice(0, 2)
    .map(({ target }) => target),
  expires,
};
const ana = { by: 'Ana' };

async function place(t: ExecutionContext, director = new MadeDirector(madeTargets())) {
  const trial = new BridgeTrial();
  t.teardown(() => trial.end());
  const updates: UpdateParts = { director, verify: verifyReport, openStreams: undefined };
  const open = () => trial.bridge({ updates });
  return { trial, director, open, ...(await open()) };
}

const said = (job: string, step: JobStep, status: JobStatus, more: Partial<JobUpdate> = {}): JobUpdate => ({
  ...{ job, at: new Date().toISOString(), step, status, reasons: [], ...more },
});

test('a job is signed and told, goes its way and is over; the hint is then taken back', async (t) => {
  const { trial, director, bridge } = await place(t);
  const unit = await trial.unit('north-1');
  await unit.say('versions', {}, unit.versions());
  await until('it is believed', async () => (await bridge.updates.standing('north-1'))?.report?.verdict === 'good');
  const given = await bridge.updates.give('north-1', order, ana);
  if (given.kind === 'refused') return t.fail(given.reason);
  const { id, nonce, install } = given.job.job;
  t.deepEqual(install, [good.target], 'the one for its hardware');
  t.is(director.jobs.get('north-1')?.id, id);
  await until('the unit is told', () => unit.hints.length === 1);
  t.deepEqual(unit.hints, [id]);

  let woken = 0;
  bridge.onReported = () => {
    woken += 1;
  };
  await unit.say('jobUpdate', {}, said(id, 'downloading', 'IN_PROGRESS', { progress: { done: 5, total: 10 } }));
  await unit.say('jobUpdate', {}, said(id, 'confirmed', 'SUCCEEDED'));
  await until('the hint is taken back', () => unit.hints.length === 2);
  const part = { kind: 'program', name: 'unit', version: '1.1.0', release: 2, target: good.target } as const;
  await unit.say('versions', {}, unit.versions({ slot: 'a', job: id, nonce, parts: [part] }));
  await until('what it runs is shown', async () => (await bridge.views.one('north-1'))?.update?.version === '1.1.0');
  t.like((await bridge.views.one('north-1'))?.update, {
    ...{ release: 2, slot: 'a', trial: false, verdict: 'good', step: 'confirmed', status: 'SUCCEEDED', job: id },
  });
  t.true(woken >= 3);
  await until('it is noted', async () => (await bridge.updates.history('north-1', 5))[0]?.cleared !== undefined);
  t.like(bridge.updates.figures, { jobs: 1, pending: 0, reports: 2, reportsRefused: 0, ends: { SUCCEEDED: 1 } });
  t.deepEqual(await bridge.alerts.list({}), []);
});

test('a report that the unit has not signed for this job shows nothing, raises an alert and does not displace a good one', async (t) => {
  const { trial, bridge } = await place(t);
  const unit = await trial.unit('north-1');
  const believed = unit.versions();
  await unit.say('versions', {}, believed);
  const given = await bridge.updates.give('north-1', { ...order, targets: [good.target] }, ana);
  if (given.kind === 'refused') return t.fail(given.reason);
  const { id, nonce } = given.job.job;
  const alerts = async () =>
    (await bridge.alerts.list({ unit: 'north-1' })).map(({ name, detail }) => `${name}: ${detail}`);
  for (const [report, why] of [
    [unit.versions({ job: id, nonce: '0'.repeat(32) }), /nonce: is not that of the job/],
    [unit.versions({ job: 'u000009-12345678', nonce }), /was never given to this unit/],
    [unit.versions({ nonce }), /nonce: bears one without a job/],
    [unit.versions({ job: id, nonce }, new UnitKey('north-1')), /key-unknown: it is signed with the key/],
    [{ ...unit.versions({ job: id, nonce }), slot: 'b' as const }, /altered: it is not what the key/],
  ] as const) {
    await unit.say('versions', {}, report);
    await until(`${why}`, async () => why.test((await alerts()).join()));
    t.deepEqual((await bridge.updates.standing('north-1'))?.report?.report, believed, `${why}`);
    await bridge.alerts.acknowledge('north-1', 'centre-version-report-refused', 'Ana', 'seen');
    await bridge.alerts.close('north-1', 'version-report-refused');
  }
  t.is(bridge.refusals.of('north-1')['version-report-refused'], 5);
  await unit.say('versions', {}, { ...unit.versions(), unit: 'north-2' });
  await until('another unit is none', () => Object.values(bridge.refusals.of('north-1')).includes(1));
  await unit.say('versions', {}, unit.versions({ job: id, nonce }));
  await until(
    'the good one is taken',
    async () => (await bridge.updates.standing('north-1'))?.report?.report.job === id,
  );
  t.deepEqual(await alerts(), []);
  // What was true before this job is told again by somebody who has kept it.
  await unit.say('versions', {}, believed);
  await pause(30);
  t.is((await bridge.updates.standing('north-1'))?.report?.report.job, id);
});

test('a report that comes before the key waits for it', async (t) => {
  const { trial, bridge } = await place(t);
  const unit = await trial.stranger('north-1');
  await unit.say('versions', {}, unit.versions());
  await until('it waits', async () => (await bridge.updates.standing('north-1'))?.report?.verdict === 'no-key');
  await unit.state();
  await until('it is believed', async () => (await bridge.updates.standing('north-1'))?.report?.verdict === 'good');
  t.is((await bridge.views.one('north-1'))?.update?.verdict, 'good');
});

test('a report signed with a key that is accepted later is believed then', async (t) => {
  const { trial, bridge } = await place(t);
  const unit = await trial.unit('north-1');
  const other = new UnitKey('north-1');
  await unit.say('versions', {}, unit.versions({}, other));
  const verdict = async () => (await bridge.updates.standing('north-1'))?.report?.verdict;
  await until('it is refused', async () => (await verdict()) === 'refused');
  unit.key = other;
  await unit.state();
  await pause(20);
  t.is(await verdict(), 'refused');
  t.true(await bridge.twins.acceptKey('north-1', other.id));
  await bridge.updates.keyKnown('north-1');
  t.is(await verdict(), 'good');
  t.false((await bridge.alerts.list({})).some(({ name }) => name === 'version-report-refused'));
});

test('what could not be signed or told is, by the next bridge; what the director never signs is over', async (t) => {
  class Locked extends MadeDirector {
    fault: AtalayaError | undefined = new AtalayaError('store-locked', 'another process signs');
    override async assign(...job: Parameters<MadeDirector['assign']>): Promise<void> {
      if (this.fault !== undefined) throw this.fault;
      await super.assign(...job);
    }
  }
  const director = new Locked(madeTargets());
  const { trial, bridge, stop, open } = await place(t, director);
  const unit = await trial.unit('north-1');
  const one = { ...order, targets: [good.target] };
  const given = await bridge.updates.give('north-1', one, ana);
  t.is(given.kind === 'given' && given.job.assigned, undefined);
  await pause(20);
  t.deepEqual(unit.hints, []);
  t.is(bridge.updates.figures.pending, 1);
  await stop();
  director.fault = undefined;
  const second = await open();
  await until('it is told', () => unit.hints.length === 1);
  director.fault = new AtalayaError('document-refused', 'the job is over already');
  const never = await second.bridge.updates.give('north-1', one, ana);
  t.is(never.kind === 'given' && never.job.refused, 'the job is over already');
  t.is(second.bridge.updates.figures.pending, 0);
  t.deepEqual(
    (await second.bridge.updates.history('north-1', 5)).map(({ number }) => number),
    [2, 1],
  );
});

test('an end is the last word on a job, and a job that is taken back ends the one before it', async (t) => {
  const { trial, bridge } = await place(t);
  const unit = await trial.unit('north-1');
  const one = { ...order, targets: [good.target] };
  const first = await bridge.updates.give('north-1', one, ana);
  const back = await bridge.updates.takeBack('north-1', expires, { ...ana, number: 2 });
  t.is((await bridge.updates.give('north-1', one, { ...ana, number: 2 })).kind, 'refused');
  if (first.kind === 'refused' || back.kind === 'refused') return t.fail();
  await unit.say(
    'jobUpdate',
    {},
    said(first.job.job.id, 'canceled', 'CANCELED', { reasons: ['canceled: taken back'] }),
  );
  const jobs = () => bridge.updates.history('north-1', 5);
  await until('both are over', async () => (await jobs()).every(({ became }) => became?.status === 'CANCELED'));
  await unit.say('jobUpdate', {}, said(first.job.job.id, 'downloading', 'IN_PROGRESS'));
  await unit.say('jobUpdate', {}, said(back.job.job.id, 'canceled', 'CANCELED', { at: '2020-01-01T00:00:00Z' }));
  const last = async () => (await bridge.updates.standing('north-1'))?.said;
  await until('what is said of the newest counts', async () => (await last())?.job === back.job.job.id);
  t.deepEqual(
    (await jobs()).map(({ became }) => became?.reasons),
    [['canceled: taken back'], ['canceled: taken back']],
  );
  const third = await bridge.updates.give('north-1', one, ana);
  t.true(third.kind === 'given' && third.job.job.issued >= back.job.job.issued);
});

test('without a director nothing is given, and what units say is kept all the same', async (t) => {
  const trial = new BridgeTrial();
  t.teardown(() => trial.end());
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('north-1');
  t.deepEqual(await bridge.updates.targets(), []);
  t.is((await bridge.updates.give('north-1', order, ana)).kind, 'refused');
  t.is((await bridge.updates.takeBack('north-1', expires, ana)).kind, 'refused');
  await unit.say('jobUpdate', {}, said('from-a-stick', 'refused', 'REJECTED', { reasons: ['wrong-unit: of another'] }));
  await unit.say('versions', {}, unit.versions());
  await until('both are kept', async () => {
    const standing = await bridge.updates.standing('north-1');
    return standing?.said?.step === 'refused' && standing.report?.verdict === 'unchecked';
  });
  t.deepEqual(unit.hints, []);
});

test('a file of the repositories is asked of the streams, and what they say reaches the unit', async (t) => {
  const trial = new BridgeTrial();
  t.teardown(() => trial.end());
  const asked: StreamGet[] = [];
  let way: StreamWay | undefined;
  let closed = 0;
  const streams = {
    asked: (_: string, get: StreamGet) => void asked.push(get),
    close: async () => {
      closed += 1;
    },
  };
  const director = new MadeDirector([]);
  const { stop } = await trial.bridge({
    updates: {
      ...{ director, verify: verifyReport },
      openStreams: (given) => {
        way = given;
        return streams;
      },
    },
  });
  const unit = await trial.unit('north-1');
  const get = { id: 'abcdefgh', file: 'image/timestamp.json', size: 4096, from: 0, count: 0 };
  await unit.say('streamGet', {}, get);
  await until('it is asked', () => asked.length === 1);
  t.deepEqual(asked[0], get);
  await unit.raw('atalaya/v1/north-1/stream/get', JSON.stringify({ ...get, file: '../../etc/passwd' }));
  await way?.answer('north-1', { id: get.id, length: 7 });
  await way?.block('north-1', get.id, 3, Buffer.from('content'));
  t.is(asked.length, 1);
  await stop();
  t.is(closed, 1);
});

test('the metadata of every unit is signed anew, though one fails', async (t) => {
  const refreshed: string[] = [];
  class Refreshing extends MadeDirector {
    override async units(): Promise<readonly string[]> {
      return ['a', 'b'];
    }
    override refresh = async (unit?: string): Promise<boolean> => {
      if (unit === 'a') throw new AtalayaError('store-locked', 'not now');
      refreshed.push(unit ?? '');
      return true;
    };
  }
  const { bridge, trial } = await place(t, new Refreshing([]));
  await bridge.updates.refresh();
  t.deepEqual(refreshed, ['b']);
  t.true(trial.lines.some(({ message }) => /could not be signed anew/.test(message)));
});
