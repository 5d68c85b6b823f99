import test from 'ava';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { commandSchemaId, configSchemaId, type Desired } from '../../contract/acts.ts';
import { type RouteName, routes } from '../../contract/api.ts';
import { signerOf } from '../../contract/person-key.ts';
import { alertOf, until } from '../bridge/testing/bridge-trial.ts';
import { ApiTrial } from './testing/api-trial.ts';
import { type AskedOf, type AskingPerson, contentOf } from './testing/asking-person.ts';

const instant = (ms: number) => new Date(Date.now() + ms).toISOString();

/** The answer, held against the table. */
async function answered<N extends RouteName>(person: AskingPerson, name: N, asked: AskedOf<N>) {
  const answer = await person.ask(name, asked);
  const { response } = routes[name];
  if (answer.status !== 200 || typeof response === 'string')
    throw new Error(`${name}: ${answer.status} ${answer.error?.message}`);
  return response.parse(answer.value);
}

async function desired(person: AskingPerson, unit: string, version: number): Promise<Desired> {
  const body = { schema: configSchemaId, unit, version, issued: instant(0), probationMinutes: 10, settings: {} };
  return (await signDocument(body, signerOf(person.key.privatePem))) as unknown as Desired;
}

test('units, events and alerts as the table of routes has them', async (t) => {
  const api = await ApiTrial.start();
  const operator = api.person('operator');
  const unit = await api.trial.unit('unit-1');
  await unit.ledger(1, 3);
  await unit.events('telemetry', [{ sequence: 1, data: { uptimeS: 3 } }]);
  await unit.events('alert', [{ sequence: 1, data: alertOf('alert-0001', 'critical') }]);
  await until(
    'acknowledged',
    () => unit.upTo('alert') === 1 && unit.upTo('infraction') === 3 && unit.upTo('telemetry') === 1,
  );
  const units = await answered(operator, 'units', { parameters: {} });
  t.like(units, { units: [{ unit: 'unit-1', online: true, alerts: { critical: 1, raised: 0 } }] });
  t.like(await answered(operator, 'unit', { parameters: { unit: 'unit-1' } }), { key: { id: unit.key.id } });
  t.is((await operator.ask('unit', { parameters: { unit: 'unit-9' } })).status, 404);
  const events = await operator.ask('events', {
    parameters: {},
    query: { unit: 'unit-1', kind: 'infraction', order: 'sequence', limit: 2 },
  });
  t.deepEqual(
    events.value.events.map(({ sequence }) => sequence),
    [1, 2],
  );
  const next = await operator.ask('events', {
    parameters: {},
    query: { kind: 'infraction,alert', order: 'position', after: 2 },
  });
  t.true(next.value.events.length > 0 && next.value.events.every(({ position }) => position > 2));
  t.like(await answered(operator, 'telemetry', { parameters: { unit: 'unit-1' } }), {
    events: [{ data: { uptimeS: 3 } }],
  });
  t.like(await answered(operator, 'alerts', { parameters: {}, query: { state: 'critical' } }), {
    alerts: [{ id: 'alert-0001' }],
  });
  const acknowledged = await answered(operator, 'acknowledgeAlert', {
    parameters: { unit: 'unit-1', id: 'alert-0001' },
    body: { note: 'going' },
  });
  t.like(acknowledged, { acknowledged: { by: 'a operator (operator)', note: 'going' } });
  t.is(
    (await operator.ask('acknowledgeAlert', { parameters: { unit: 'unit-1', id: 'alert-0009' }, body: {} })).status,
    404,
  );
  await api.end();
});

test('configurations, layers and commands', async (t) => {
  const api = await ApiTrial.start();
  const [operator, supervisor, technician] = [
    api.person('operator'),
    api.person('supervisor'),
    api.person('technician'),
  ];
  const unit = await api.trial.unit('unit-1');
  const one = await desired(operator, 'unit-1', 1);
  const released = await answered(operator, 'releaseConfig', {
    parameters: { unit: 'unit-1' },
    body: { document: one },
  });
  t.like(released, { version: 1 });
  await until('it came', () => unit.desired.length === 1);
  t.deepEqual(unit.desired[0], one);
  const bySomebody = await operator.ask('releaseConfig', {
    parameters: { unit: 'unit-1' },
    body: { document: await desired(technician, 'unit-1', 2) },
  });
  t.is(bySomebody.status, 403);
  t.regex(bySomebody.error?.message ?? '', /^not-allowed: .* technician, .*; operators and supervisors may$/);
  const altered = { ...(await desired(operator, 'unit-1', 2)), settings: { a: 1 } };
  t.regex(
    (await operator.ask('releaseConfig', { parameters: { unit: 'unit-1' }, body: { document: altered } })).error
      ?.message ?? '',
    /^altered/,
  );
  t.is((await operator.ask('releaseConfig', { parameters: { unit: 'unit-2' }, body: { document: one } })).status, 409);
  t.like(await answered(operator, 'config', { parameters: { unit: 'unit-1' } }), {
    desired: one,
    history: [{ version: 1, by: 'a operator' }],
  });
  const reasons = ['broker-not-reached: no'];
  const back = { at: '2026-03-01T12:00:00.000Z', outcome: 'rolled-back' } as const;
  await unit.say('reported', {}, { ...back, reasons, version: 1, inForce: { version: 0, sha256: '0'.repeat(64) } });
  await until('reported', async () => (await api.trial.archive.document('reported', 'unit-1')) !== undefined);
  t.like(await answered(operator, 'config', { parameters: { unit: 'unit-1' } }), {
    history: [{ version: 1, became: { ...back, reasons } }],
  });
  t.deepEqual(await answered(operator, 'configVersion', { parameters: { unit: 'unit-1', version: '1' } }), one);

  const put = (based: number) =>
    operator.ask('putLayer', { parameters: { name: 'fleet' }, body: { settings: { based }, based } });
  t.is((await put(0)).value.version, 1);
  t.is((await put(0)).status, 409);
  t.like(await answered(operator, 'layers', { parameters: {} }), {
    layers: [{ name: 'fleet', version: 1, settings: { based: 0 } }],
  });
  t.like(await answered(operator, 'layer', { parameters: { name: 'site-north' } }), { version: 0, settings: {} });

  const body = {
    ...{ schema: commandSchemaId, unit: 'unit-1', name: 'self-test', id: 'command-0001' },
    ...{ issued: instant(0), expires: instant(60_000), arguments: {} },
  };
  const command = await signDocument(body as never, signerOf(operator.key.privatePem));
  t.regex(
    (await supervisor.ask('command', { parameters: {}, body: { command } } as never)).error?.message ?? '',
    /signed by somebody else/,
  );
  t.is((await operator.ask('command', { parameters: {}, body: { command } } as never)).status, 200);
  await until('relayed', () => unit.commands.length === 1);
  t.deepEqual(unit.commands[0], command as never);
  await unit.say(
    'reply',
    { id: 'command-0001' },
    { id: 'command-0001', name: 'self-test', at: instant(0), outcome: 'done' },
  );
  await until('replied', async () => {
    const { value } = await operator.ask('reply', { parameters: { unit: 'unit-1', id: 'command-0001' } });
    return value.reply?.outcome === 'done';
  });
  const expired = await signDocument(
    { ...body, id: 'command-0002', expires: instant(-1) } as never,
    signerOf(operator.key.privatePem),
  );
  t.is((await operator.ask('command', { parameters: {}, body: { command: expired } } as never)).status, 400);
  await api.end();
});

test('evidence: how far it is, and the ciphertext', async (t) => {
  const api = await ApiTrial.start();
  const auditor = api.person('auditor');
  const unit = await api.trial.unit('unit-1');
  const body = Buffer.alloc(150_000, 'c');
  const keys = Buffer.from('keys');
  const id = 'unit-1-000000001';
  const entry = unit.entry(1, {
    id,
    files: [{ name: 'at.jpg', bytes: 150_000, header: 0, body: sha256(body) }],
    sealing: { keys: { bytes: 4, sha256: sha256(keys) } },
  });
  await unit.events('infraction', [{ sequence: 1, data: entry as unknown as JsonValue }]);
  await until('acknowledged', () => unit.upTo('infraction') === 1);
  const at = { unit: 'unit-1', evidence: id };
  t.like(await answered(auditor, 'evidence', { parameters: at }), {
    files: [
      { file: 'keys', state: 'not-asked' },
      { file: 'at.jpg', here: 0 },
    ],
  });
  unit.onGet = (get) => void unit.blocks(get, get.file === 'keys' ? keys : body);
  await api.services.bridge.collector.request('unit-1', [id], undefined);
  await until('finished', () => api.trial.blobs.finished({ ...at, file: 'at.jpg' }));
  const response = await auditor.open('evidenceFile', { parameters: { ...at, file: 'at.jpg' } });
  t.is(response.headers['content-length'], '150000');
  t.is(sha256(await contentOf(response)), sha256(body));
  t.is((await auditor.ask('evidenceFile', { parameters: { ...at, file: 'other' } })).status, 404);
  t.is((await auditor.ask('evidence', { parameters: { unit: 'unit-1', evidence: 'unit-1-000000002' } })).status, 404);
  await api.end();
});

test('live events come as they are archived', async (t) => {
  const api = await ApiTrial.start();
  const unit = await api.trial.unit('unit-1');
  const other = await api.trial.unit('unit-2');
  const response = await api
    .person('operator')
    .open('live', { parameters: {}, query: { unit: 'unit-1', kinds: 'telemetry' } });
  await other.events('telemetry', [{ sequence: 1, data: { uptimeS: 1 } }]);
  await unit.events('telemetry', [{ sequence: 1, data: { uptimeS: 2 } }]);
  const lines: unknown[] = [];
  for await (const chunk of response) {
    for (const line of String(chunk).split('\n')) if (line !== '') lines.push(JSON.parse(line));
    if (lines.length > 0) break;
  }
  t.like(lines, [{ unit: 'unit-1', kind: 'telemetry', sequence: 1, data: { uptimeS: 2 } }] as never);
  await until('the reader is gone', () => api.services.bridge.live.readers === 0);
  await api.end();
});

test('rollouts are started with signed documents, and refused without', async (t) => {
  const api = await ApiTrial.start();
  const [supervisor, technician] = [api.person('supervisor'), api.person('technician')];
  const plan = async (id: string, signer: AskingPerson) => ({
    ...{ id, groups: [{ name: 'all', units: ['unit-1'] }], deadlineMinutes: 60 },
    documents: [await desired(signer, 'unit-1', 1)],
  });
  const start = (body: unknown) => supervisor.ask('startRollout', { parameters: {}, body } as never);
  const refused = await start({ plan: await plan('rollout-0001', technician) });
  t.is(refused.status, 409);
  t.regex(refused.error?.message ?? '', /not-allowed/);
  t.is((await start({ plan: await plan('rollout-0002', supervisor) })).status, 200);
  t.like(await answered(supervisor, 'rollouts', { parameters: {} }), {
    rollouts: [{ id: 'rollout-0002', by: 'a supervisor (supervisor)' }],
  });
  const pause = await supervisor.ask('pauseRollout', { parameters: { id: 'rollout-0002' }, body: { reason: 'rain' } });
  t.like(pause.value, { state: 'paused' });
  t.is(
    (await supervisor.ask('pauseRollout', { parameters: { id: 'rollout-0002' }, body: { reason: 'rain' } })).status,
    409,
  );
  t.is(
    (await supervisor.ask('resumeRollout', { parameters: { id: 'rollout-0002' }, body: { reason: 'sun' } })).status,
    200,
  );
  t.like(
    (await supervisor.ask('abortRollout', { parameters: { id: 'rollout-0002' }, body: { reason: 'no more' } })).value,
    { state: 'aborted' },
  );
  t.is((await supervisor.ask('rollout', { parameters: { id: 'rollout-0009' } })).status, 404);
  await api.end();
});
