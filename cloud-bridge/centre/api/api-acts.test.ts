import { randomUUID } from 'node:crypto';
import test from 'ava';
import { actWindowMs, type RouteName, routes } from '../../contract/api.ts';
import { makePersonKey } from '../../contract/person-key.ts';
import { mayDo, type Permission, permissions, type Role, roles } from '../../contract/roles.ts';
import { ApiTrial } from './testing/api-trial.ts';
import { contentOf, type Mischief } from './testing/asking-person.ts';

const instant = (ms: number) => new Date(Date.now() + ms).toISOString();

test('what is wrong with an act is refused with its reason, and changes nothing', async (t) => {
  const api = await ApiTrial.start();
  await api.trial.unit('unit-1');
  const operator = api.person('operator');
  const layer = { parameters: { name: 'fleet' }, body: { settings: { flags: { strobe: true } }, based: 0 } } as const;
  const cases: readonly (readonly [string, number, string, Mischief])[] = [
    ['no act', 401, 'no-act', { header: undefined }],
    ['an act that is no base64 of anything', 401, 'act-malformed', { header: '!!!' }],
    ['an act that is no act', 401, 'act-malformed', { header: Buffer.from('{"schema":"x"}').toString('base64') }],
    ['a long act', 401, 'act-malformed', { header: 'A'.repeat(13_000) }],
    ['an act of somebody else', 401, 'unknown-key', { key: makePersonKey() }],
    ['an altered act', 401, 'altered', { altered: { id: randomUUID() } }],
    [
      'an act without signature',
      401,
      'not-signed',
      { altered: { signature: undefined } as Mischief['altered'] & object },
    ],
    ['an old act', 401, 'old', { act: { issued: instant(-actWindowMs - 5000) } }],
    ['an early act', 401, 'early', { act: { issued: instant(actWindowMs + 5000) } }],
    ['an act for another method', 401, 'other-method', { act: { method: 'GET' } }],
    ['an act for another path', 401, 'other-path', { act: { path: '/v1/layers/site-north' } }],
    ['an act for this path with a query', 401, 'other-path', { path: '/v1/layers/fleet?a=b' }],
    ['an act for another body', 401, 'other-body', { body: JSON.stringify({ settings: {}, based: 0 }) }],
  ];
  for (const [what, status, reason, mischief] of cases) {
    const answer = await operator.ask('putLayer', layer, mischief);
    t.is(answer.status, status, what);
    t.is(answer.error?.reason, reason, `${what}: ${answer.error?.message}`);
    t.is(answer.error?.code, 'act-refused');
  }
  t.deepEqual(await api.trial.archive.documents('layer'), []);
  t.deepEqual(await api.trial.archive.acts(1, 10), [], 'strangers leave nothing in the chain of acts');
  t.is((await operator.ask('putLayer', layer)).status, 200);
  t.like(api.figures, { refused: { altered: 1 } });
  await api.end();
});

test('an act serves once, also with a bridge that was started anew', async (t) => {
  const api = await ApiTrial.start();
  const operator = api.person('operator');
  const once = { act: { id: 'act-00000001' } };
  const layer = (name: string) => ({ parameters: { name }, body: { settings: {}, based: 0 } });
  t.is((await operator.ask('putLayer', layer('fleet'), once)).status, 200);
  t.is((await operator.ask('putLayer', layer('site-north'), once)).error?.reason, 'replayed');
  const { used } = { used: new (await import('./used-acts.ts')).UsedActs(api.trial.archive, api.services.clock) };
  t.false(await used.use('act-00000001', true), 'another bridge knows it too');
  t.is((await operator.ask('units', { parameters: {} }, { act: { id: 'act-00000002' } })).status, 200);
  t.is((await operator.ask('units', { parameters: {} }, { act: { id: 'act-00000002' } })).error?.reason, 'replayed');
  t.deepEqual(
    (await api.trial.archive.documents('layer')).map(({ key }) => key),
    ['fleet'],
  );
  await api.end();
});

test('every route is open to the roles that may, and to nobody else', async (t) => {
  const api = await ApiTrial.start();
  const samples: { readonly [N in RouteName]: unknown } = {
    units: {},
    unit: { unit: 'unit-1' },
    acceptKey: { unit: 'unit-1', body: { key: 'a'.repeat(64), reason: 'new' } },
    events: {},
    telemetry: { unit: 'unit-1' },
    alerts: {},
    acknowledgeAlert: { unit: 'unit-1', id: 'alert-0001', body: {} },
    config: { unit: 'unit-1' },
    configVersion: { unit: 'unit-1', version: '1' },
    releaseConfig: {
      unit: 'unit-1',
      body: {
        document: {
          schema: 'atalaya/config/1',
          unit: 'unit-1',
          version: 1,
          issued: instant(0),
          probationMinutes: 10,
          settings: {},
        },
      },
    },
    layers: {},
    layer: { name: 'fleet' },
    putLayer: { name: 'fleet', body: { settings: {}, based: 99 } },
    command: {
      body: {
        command: {
          ...{ schema: 'atalaya/command/1', unit: 'unit-1', name: 'reboot', id: 'command-0001', issued: instant(0) },
          ...{ expires: instant(1000), arguments: { reason: 'x' } },
        },
      },
    },
    reply: { unit: 'unit-1', id: 'command-0001' },
    renewals: {},
    updates: {},
    unitUpdates: { unit: 'unit-1' },
    deliverRenewal: {
      unit: 'unit-1',
      body: {
        grant: {
          ...{ schema: 'atalaya/grant/1', unit: 'unit-1', version: 2, issued: instant(0) },
          certificate: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
          authorities: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
          signature: { key: 'a'.repeat(64), value: 'A'.repeat(96) },
        },
      },
    },
    infractions: {},
    evidence: { unit: 'unit-1', evidence: 'unit-1-000000001' },
    evidenceFile: { unit: 'unit-1', evidence: 'unit-1-000000001', file: 'keys' },
    startRollout: {
      body: {
        plan: {
          ...{ id: 'rollout-0001', deadlineMinutes: 10, groups: [{ name: 'all', units: ['unit-1'] }] },
          documents: [
            {
              schema: 'atalaya/config/1',
              unit: 'unit-1',
              version: 1,
              issued: instant(0),
              probationMinutes: 10,
              settings: {},
            },
          ],
        },
      },
    },
    rollouts: {},
    rollout: { id: 'rollout-0001' },
    pauseRollout: { id: 'rollout-0001', body: { reason: 'x' } },
    resumeRollout: { id: 'rollout-0001', body: { reason: 'x' } },
    abortRollout: { id: 'rollout-0001', body: { reason: 'x' } },
    acts: {},
    trust: {},
    putTrust: { body: { trust: await api.trust(1) } },
    live: {},
  };
  for (const name of Object.keys(routes) as RouteName[]) {
    const { body, ...parameters } = samples[name] as { body?: unknown };
    const { permission } = routes[name];
    const needed: Permission =
      permission === 'command'
        ? name === 'command'
          ? 'command.reboot'
          : 'fleet.read'
        : permission === 'kinds'
          ? 'telemetry.read'
          : permission;
    for (const role of roles) {
      const response = await api
        .person(role)
        .open(name, { parameters, ...(body === undefined ? {} : { body }) } as never);
      const text = name === 'live' && response.statusCode === 200 ? '' : (await contentOf(response)).toString();
      response.destroy();
      const notAllowed = response.statusCode === 403 && text.includes('"reason":"not-allowed"');
      t.is(notAllowed, !mayDo(role, needed), `${name} as ${role}: ${response.statusCode} ${text.slice(0, 200)}`);
      t.not(response.statusCode, 400, `${name}: ${text.slice(0, 200)}`);
      t.not(response.statusCode, 503, `${name}: ${text.slice(0, 200)}`);
    }
  }
  t.true(Object.keys(permissions).length > 10);
  await api.end();
});

test('live events of records need more than live telemetry', async (t) => {
  const api = await ApiTrial.start();
  const ask = async (role: Role, kinds: string) => {
    const response = await api.person(role).open('live', { parameters: {}, query: { kinds } });
    response.destroy();
    return response.statusCode;
  };
  t.is(await ask('technician', 'telemetry,alert'), 200);
  t.is(await ask('technician', 'telemetry,infraction'), 403);
  t.is(await ask('operator', 'telemetry,infraction'), 200);
  await api.end();
});

test('a person who is removed from the trust document is refused at once', async (t) => {
  const api = await ApiTrial.start();
  const [operator, supervisor] = [api.person('operator'), api.person('supervisor')];
  t.is((await operator.ask('units', { parameters: {} })).status, 200);
  const without = await api.trust(
    2,
    api.people.filter((one) => one !== operator),
  );
  t.is((await supervisor.ask('putTrust', { parameters: {}, body: { trust: without } })).status, 200);
  const answer = await operator.ask('units', { parameters: {} });
  t.is(answer.status, 401);
  t.is(answer.error?.reason, 'unknown-key');
  // The document before it does not bring anybody back.
  const old = await supervisor.ask('putTrust', { parameters: {}, body: { trust: await api.trust(1) } });
  t.is(old.status, 409);
  t.regex(old.error?.message ?? '', /version 1, and version 2 was in use/);
  const forged = await api.trust(3, api.people, {}, makePersonKey());
  t.is((await supervisor.ask('putTrust', { parameters: {}, body: { trust: forged } })).status, 409);
  const byRemoved = await operator.ask('putTrust', { parameters: {}, body: { trust: forged } });
  t.is(byRemoved.error?.reason, 'unknown-key');
  t.is((await operator.ask('units', { parameters: {} })).status, 401);
  await api.end();
});

test('under a trust document that has expired nobody may ask anything, but present a newer one that names him', async (t) => {
  const api = await ApiTrial.start();
  const [operator, supervisor] = [api.person('operator'), api.person('supervisor')];
  const { AskingPerson } = await import('./testing/asking-person.ts');
  const boss = new AskingPerson('the new supervisor', 'supervisor', api.socket);
  const past = { issued: instant(-7_200_000), expires: instant(-3_600_000) };
  const expired = await api.trust(2, api.people, past);
  const refused = await supervisor.ask('putTrust', { parameters: {}, body: { trust: expired } });
  t.regex(refused.error?.message ?? '', /the trust document expired at/, 'it is not presented any more');
  // It was in use when it expired.
  await api.services.people.accept(JSON.stringify(expired), 'taken');
  for (const person of [operator, supervisor]) {
    const { status, error } = await person.ask('units', { parameters: {} });
    t.deepEqual([status, error?.reason], [401, 'trust-expired']);
    t.regex(
      error?.message ?? '',
      /\(version 2\) expired at .* until a newer one, signed with the root key, is presented/,
    );
  }
  const put = async (who: typeof boss, trust: Awaited<ReturnType<typeof api.trust>>) =>
    (await who.ask('putTrust', { parameters: {}, body: { trust } })).error?.reason;
  const without = await api.trust(3, [boss, operator]);
  t.is(await put(supervisor, without), 'unknown-key', 'one of the document before, who is not in the new one');
  t.is(await put(operator, without), 'not-allowed');
  t.is(await put(boss, await api.trust(3, [boss], past)), 'unknown-key', 'the new one has expired as well');
  t.is((await operator.ask('units', { parameters: {} })).error?.reason, 'trust-expired');
  t.is(await put(boss, without), undefined);
  const { status, value } = await operator.ask('units', { parameters: {} });
  t.is(status, 200);
  t.deepEqual(value.trust, { version: 3 });
  await api.end();
});

test('whoever is new presents the trust document that brings him in; an operator may not', async (t) => {
  const api = await ApiTrial.start();
  const { AskingPerson } = await import('./testing/asking-person.ts');
  const boss = new AskingPerson('the new supervisor', 'supervisor', api.socket);
  const hand = new AskingPerson('the new operator', 'operator', api.socket);
  const trust = await api.trust(2, [...api.people, boss, hand]);
  const refused = await hand.ask('putTrust', { parameters: {}, body: { trust } });
  t.is(refused.status, 403);
  t.like(refused.error, {
    reason: 'not-allowed',
    message: 'not-allowed: the new operator is operator, and that role may not change who is trusted; supervisors may',
  });
  t.is(
    (await boss.ask('putTrust', { parameters: {}, body: { trust } }, { act: { issued: instant(-2 * actWindowMs) } }))
      .error?.reason,
    'old',
  );
  t.is((await boss.ask('putTrust', { parameters: {}, body: { trust } })).status, 200);
  t.is((await hand.ask('units', { parameters: {} })).status, 200);
  await api.end();
});

test('who did what stands in the chain of acts before it takes effect', async (t) => {
  const api = await ApiTrial.start();
  const [operator, auditor, technician] = [api.person('operator'), api.person('auditor'), api.person('technician')];
  await operator.ask('putLayer', { parameters: { name: 'fleet' }, body: { settings: {}, based: 0 } });
  await technician.ask('putLayer', { parameters: { name: 'fleet' }, body: { settings: {}, based: 1 } });
  await auditor.ask('evidence', { parameters: { unit: 'unit-1', evidence: 'unit-1-000000001' } });
  const { value } = await auditor.ask('acts', { parameters: {} });
  t.deepEqual(
    value.acts.map(({ number, outcome }) => [number, outcome]),
    [
      [1, 'allowed: a operator, operator'],
      [2, 'refused: not-allowed: config.push'],
      [3, 'allowed: a auditor, auditor'],
    ],
  );
  t.like(value.acts[0]?.act, { path: '/v1/layers/fleet', signature: { key: operator.key.id } });
  t.deepEqual(
    value.acts.map(({ about }) => about),
    ['layer fleet, version 1', 'layer fleet, version 2', 'record of unit-1-000000001'],
  );
  const newest = await auditor.ask('acts', { parameters: {}, query: { order: 'newest', limit: 2 } });
  t.deepEqual(newest.value.acts, [value.acts[2], value.acts[1]]);
  const before = await auditor.ask('acts', { parameters: {}, query: { order: 'newest', before: 2 } });
  t.deepEqual(before.value.acts, [value.acts[0]]);
  t.is(value.acts[1]?.previous, value.acts[0]?.hash);
  await api.end();
});

test('a body that is too long, or no JSON, or of another form is refused', async (t) => {
  const api = await ApiTrial.start();
  const operator = api.person('operator');
  const layer = { parameters: { name: 'fleet' } } as const;
  const { sha256 } = await import('../../../device/kernel/hash.ts');
  const with_ = (body: string) => operator.ask('putLayer', layer as never, { body, act: { bodySha256: sha256(body) } });
  t.is((await with_('{"settings":{},"based":0')).status, 400);
  t.is((await with_('{"settings":{},"based":0,"based":1}')).status, 400);
  t.is((await with_('{"settings":{},"based":-1}')).status, 400);
  t.is((await with_('')).status, 400);
  t.is((await with_(`{"settings":{"a":"${'x'.repeat(1_100_000)}"},"based":0}`)).status, 413);
  t.is((await operator.ask('layer', { parameters: { name: '..%2f..' } as never })).status, 400);
  t.is((await operator.ask('events', { parameters: {}, query: { limit: 100_000 } } as never)).status, 400);
  t.deepEqual(await api.trial.archive.documents('layer'), []);
  await api.end();
});
