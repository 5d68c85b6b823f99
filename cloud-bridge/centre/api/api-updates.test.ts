import test from 'ava';
import { verifyReport } from '../../cli/bridge/verify-report.ts';
import { MadeDirector, madeTargets } from '../../simulate/made-director.ts';
import { until } from '../bridge/testing/bridge-trial.ts';
import { ApiTrial } from './testing/api-trial.ts';

const targets = madeTargets();
const updates = () => ({ director: new MadeDirector(targets), verify: verifyReport, openStreams: undefined });
const at = '2026-03-01T12:00:00.000Z';

test('what is published, what a unit runs, and how it goes on as it is said', async (t) => {
  const api = await ApiTrial.start(updates());
  t.teardown(() => api.end());
  const technician = api.person('technician');
  const listed = await technician.ask('updates', { parameters: {} });
  t.true(listed.value.signs);
  t.is(listed.value.targets.length, targets.length);
  t.is((await technician.ask('unitUpdates', { parameters: { unit: 'unit-1' } })).status, 404);
  const unit = await api.trial.unit('unit-1');
  await unit.say('versions', {}, unit.versions());
  await until('it is shown', async () => {
    const { value } = await technician.ask('unitUpdates', { parameters: { unit: 'unit-1' } });
    return value.report?.verdict === 'good';
  });
  const query = { unit: 'unit-1', kinds: 'update' };
  const response = await technician.open('live', { parameters: {}, query });
  const said = {
    job: 'from-a-stick',
    at,
    status: 'REJECTED',
    step: 'refused',
    reasons: ['wrong-unit: of another'],
  } as const;
  await unit.say('jobUpdate', {}, { ...said, reasons: [...said.reasons] });
  const lines: unknown[] = [];
  for await (const chunk of response) {
    for (const line of String(chunk).split('\n')) if (line !== '') lines.push(JSON.parse(line));
    if (lines.length > 0) break;
  }
  t.deepEqual(lines, [{ unit: 'unit-1', kind: 'update', time: at, data: said }] as never);
});

test('an update is started by a supervisor, as an act that says what of', async (t) => {
  const api = await ApiTrial.start(updates());
  t.teardown(() => api.end());
  const unit = await api.trial.unit('unit-1');
  const [target] = targets;
  const plan = (more: object) => ({
    ...{ id: 'rollout-0001', deadlineMinutes: 61, groups: [{ name: 'all', units: ['unit-1'] }] },
    update: { targets: [target?.target], expires: '2099-01-01T00:00:00Z', ...more },
  });
  const start = (role: 'operator' | 'supervisor', body: object) =>
    api.person(role).ask('startRollout', { parameters: {}, body: { plan: body } } as never);
  t.is((await start('operator', plan({}))).status, 403);
  const unknown = await start('supervisor', plan({ targets: ['nothing.tar'] }));
  t.is(unknown.status, 409);
  t.regex(unknown.error?.message ?? '', /unit unit-1: nothing\.tar is not published/);
  const late = await start('supervisor', plan({ expires: '2020-01-01T00:00:00Z' }));
  t.regex(late.error?.message ?? '', /the update has expired/);
  t.like(late.error, { hint: 'Start it anew, with a longer --within.' });
  t.is((await start('supervisor', { ...plan({}), documents: [] })).status, 200);
  t.is((await start('supervisor', { ...plan({}), update: undefined })).status, 400, 'neither documents nor an update');
  await api.services.rollouts.tick();
  await until('the unit is told', () => unit.hints.length === 1);
  const acts = await api.trial.archive.lastActs(undefined, 10);
  t.true(
    acts.some(({ about = '' }) => about === `rollout rollout-0001 started: 1 unit, the update to ${target?.target}`),
  );
});
