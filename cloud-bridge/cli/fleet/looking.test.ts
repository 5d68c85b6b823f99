import test from 'ava';
import { alerts } from './testing/stub-figures.ts';
import { StubFleet } from './testing/stub-fleet.ts';

test('status: a table that fits, the details of one, JSON', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const all = await fleet.call(['status']);
  t.is(all.code, 0, all.err);
  t.deepEqual(all.out.split('\n'), [
    'unit     state    health  config   alerts  heard',
    'north-1  online   good    its own  -        12 s',
    'north-2  offline  good    its own  -        12 s',
    '2 units, 1 offline; alerts: 0 critical, 0 raised',
    '',
  ]);
  const one = await fleet.call(['status', 'north-1']);
  t.regex(one.out, /^north-1\n {2}state {6}online\n {2}site {7}Bridge Street\n/);
  t.regex(one.out, /infraction archived up to 41/);
  const json = JSON.parse((await fleet.call(['status', '--json'])).out);
  t.is(json.units.length, 2);
  fleet.instead = ({ name }) => (name === 'units' ? { json: { units: [] } } : undefined);
  t.regex((await fleet.call(['status'])).out, /No unit has been heard of\.\n {2}Give one the address/);
});

test('no line of a table is wider than the terminal, down to a phone', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  for (const columns of [120, 80, 60, 40, 32]) {
    for (const args of [
      ['status'],
      ['alerts'],
      ['telemetry', 'last'],
      ['acts'],
      ['evidence', 'list'],
      ['evidence', 'list', 'north-1'],
      ['command', 'self-test', 'north-1', '--wait'],
      ['status', 'north-1'],
    ]) {
      const { out, code } = await fleet.call(args, { terminal: true, columns, environment: { NO_COLOR: '1' } });
      t.is(code, 0);
      for (const line of out.split('\n')) t.true(line.length <= columns, `${args.join(' ')} at ${columns}: ${line}`);
      t.true(out.length > 40);
    }
  }
});

test('colours on terminals only, and not where NO_COLOR is set; nothing that a unit sends is obeyed by a terminal', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const count = async (options: Parameters<StubFleet['call']>[1]) => {
    const { out } = await fleet.call(['alerts'], { columns: 200, ...options });
    t.true(out.includes('refused below 2 GB'));
    t.false(out.includes('\u001b[2J'));
    return out.split('\u001b').length - 1;
  };
  t.true((await count({ terminal: true })) > 0);
  t.is(await count({ terminal: false }), 0);
  t.is(await count({ terminal: true, environment: { NO_COLOR: '1' } }), 0);
  t.is(await count({ terminal: true, environment: { TERM: 'dumb' } }), 0);
  const { out } = await fleet.call(['alerts', '--json']);
  t.false(out.includes('\u001b'));
  t.true(JSON.parse(out).alerts[0].detail.endsWith('\u001b[2J'), 'JSON says what it was, escaped');
});

test('--watch draws over itself on a terminal, and beneath elsewhere; a bridge that is gone is told', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const terminal = await fleet.call(['status', '--watch', '7'], { terminal: true, columns: 80, waits: 2 });
  t.is(terminal.code, 0);
  t.is(terminal.out.split('\u001b[H\u001b[J').length, 3);
  const pipe = await fleet.call(['status', '--watch'], { waits: 3 });
  t.false(pipe.out.includes('\u001b'));
  t.is(pipe.out.split('2 units, 1 offline').length, 4);
  fleet.instead = () => ({ status: 503, error: { code: 'archive-unavailable', message: 'it is gone' } });
  const gone = await fleet.call(['telemetry', 'last', '--watch'], { waits: 2 });
  t.is(gone.out.split('bridge-unavailable: the centre says archive-unavailable: it is gone').length, 3);
});

test('alerts: the gravest first, acknowledged by name or by the beginning of the id', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const { out } = await fleet.call(['alerts']);
  t.regex(out, /^state {5}unit {5}alert {14}since {2}detail\ncritical {2}north-2 {2}camera-lost/);
  const by = await fleet.call(['alerts', 'acknowledge', 'north-1', 'disk-nearly-full', '--note', 'on my way']);
  t.is(by.code, 0, by.err);
  t.is(by.out, 'disk-nearly-full of north-1 is acknowledged by Ana\n');
  const { parameters, body } = fleet.requests.at(-1) ?? {};
  t.deepEqual([parameters, body], [{ unit: 'north-1', id: 'disk-nearly-full-1' }, { note: 'on my way' }]);
  t.is((await fleet.call(['alerts', 'acknowledge', 'north-2', 'camera-l', '--json'])).code, 0);
  t.regex((await fleet.call(['alerts', '--state', 'closed'])).out, /No alert is open/);
  const unknown = await fleet.call(['alerts', 'acknowledge', 'north-1', 'nothing']);
  t.is(unknown.code, 2);
  t.regex(unknown.err, /has no open alert nothing\n {2}Look: npx atalaya-fleet alerts --unit north-1/);
  t.is((await fleet.call(['alerts', '--state', 'odd'])).code, 2);
});

test('evidence: every infraction, the latest first, page by page, whether files were asked for or not', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const wide = { terminal: true, columns: 160, environment: { NO_COLOR: '1' } };
  const all = await fleet.call(['evidence', 'list'], wide);
  t.is(all.code, 0, all.err);
  t.deepEqual(all.out.trimEnd().split('\n'), [
    'evidence           time                 what                                lane   files',
    'north-1-7          2026-03-01 11:59:58  speeding: 92.4 km/h, limit 60 km/h  left   0 of 3',
    'north-2-000000012  2026-03-01 09:00:00  red light: red for 1.2 s            -      4 of 11, failed: blob-mismatch: clip.mjpeg?[2J',
    'north-1-3          2026-02-28 23:00:00  of-tomorrow                         right  none sealed',
  ]);
  t.is(all.err, 'Files: npx atalaya-fleet evidence pull north-1 north-1-7 --out FOLDER\n');
  // A phone: a block for each.
  const phone = await fleet.call(['evidence', 'list', 'north-1'], { ...wide, columns: 60 });
  t.deepEqual(phone.out.split('\n').slice(0, 5), [
    'north-1-7',
    '  time   2026-03-01 11:59:58',
    '  what   speeding: 92.4 km/h, limit 60 km/h',
    '  lane   left',
    '  files  0 of 3',
  ]);
  t.false(phone.out.includes('north-2'));
  const page = await fleet.call(['evidence', 'list', '--limit', '2', '--from', '2d', '--to', '2026-03-02']);
  t.like(fleet.requests.at(-1)?.query, {
    ...{ from: '2026-02-27T12:00:00.000Z', to: '2026-03-02T00:00:00.000Z', limit: 2, unit: undefined },
  });
  const more = /More: npx atalaya-fleet (.*)/.exec(page.err)?.[1] ?? '';
  t.is(more, 'evidence list --from 2d --to 2026-03-02 --limit 2 --page 2');
  const rest = await fleet.call([...more.split(' '), '--json']);
  t.deepEqual(
    JSON.parse(rest.out).infractions.map(({ evidence }: { evidence: string }) => evidence),
    ['north-1-3'],
  );
  fleet.instead = ({ name }) => (name === 'infractions' ? { json: { infractions: [] } } : undefined);
  t.is((await fleet.call(['evidence', 'list', 'north-2'])).out, 'No infraction of north-2 is archived.\n');
  t.is((await fleet.call(['evidence', 'list', '--from', '1h'])).out, 'No infraction is archived of that time.\n');
  for (const wrong of [['--limit', '1001'], ['--limit', '0'], ['--from', 'yesterday'], ['North 1']])
    t.is((await fleet.call(['evidence', 'list', ...wrong])).code, 2, wrong.join(' '));
});

test('alerts: who looks after one is its state', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const acknowledged = { by: 'Ben (operator)', at: '2026-03-01T11:59:00Z', note: 'on my way' };
  const [raised, critical] = alerts(fleet.clock.utc());
  const open = { ...critical, id: 'camera-lost-78', unit: 'north-1' };
  fleet.instead = ({ name }) =>
    name === 'alerts'
      ? {
          json: {
            alerts: [{ ...raised, acknowledged }, { ...critical, acknowledged: { ...acknowledged, note: '' } }, open],
          },
        }
      : undefined;
  const { out } = await fleet.call(['alerts'], { terminal: true, columns: 200, environment: { NO_COLOR: '1' } });
  const rows = out
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/));
  t.deepEqual(
    rows.map(([state, unit]) => [state, unit]),
    [
      ['critical', 'north-1'],
      ['critical, acknowledged by Ben (operator)', 'north-2'],
      ['acknowledged by Ben (operator)', 'north-1'],
    ],
  );
  t.regex(rows[2]?.at(-1) ?? '', / \[on my way\]$/);
});

test('a self-test is told check by check, the worst first, after what else is the matter', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const { out, code } = await fleet.call(['command', 'self-test', 'north-1', '--wait']);
  t.is(code, 0);
  t.deepEqual(out.trimEnd().split('\n'), [
    'unit     outcome   result',
    'north-1  done      self-test: 3 checks',
    'north-1  problem   throttled (raised since 2026-03-01T11:00:00.000Z): the',
    '                   processor is held back',
    'north-1  degraded  disk: 8 GB are free',
    'north-1  unknown   broker: not configured',
    'north-1  good      camera: 15 frames/s',
  ]);
});

test('telemetry: last, of a time, live', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const last = await fleet.call(['telemetry', 'last']);
  t.regex(last.out, /north-1 {2}30 s {2}42 % {2}61 C {4}75 % {4}12\.3 GB {6}14\.9 {7}7/);
  const query = await fleet.call(['telemetry', 'query', 'north-1', '--from', '90m', '--to', '2026-03-01T12:00:00Z']);
  t.is(query.code, 0, query.err);
  t.deepEqual(fleet.requests.at(-1)?.query, {
    from: '2026-03-01T10:30:00.000Z',
    to: '2026-03-01T12:00:00.000Z',
    limit: 100,
  });
  const live = await fleet.call(['telemetry', 'live', '--kinds', 'telemetry']);
  t.is(live.code, 0);
  t.regex(live.out, /^12:00:00 north-1 telemetry: cpu 42 %, temp 61 C/);
  t.is(
    live.out
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('12:00:00')).length,
    2,
  );
  t.regex(live.err, /3 events missed: this reader was too slow\nthe bridge ended it/);
  const lines = (await fleet.call(['telemetry', 'live', 'north-1', '--json'])).out.trim().split('\n');
  t.is(JSON.parse(lines[0] ?? '').unit, 'north-1');
  t.regex((await fleet.call(['telemetry', 'live', '--kinds', 'odd'])).err, /odd is no kind of event/);
  const moment = await fleet.call(['telemetry', 'query', 'north-1', '--from', 'yesterday']);
  t.is(moment.code, 2);
  t.regex(moment.err, /--from yesterday is no moment\n {2}Write 2026-03-01T12:00:00Z/);
  t.is((await fleet.call(['telemetry', 'query', 'North 1'])).code, 2);
});

test('acts: the newest first, what each is about, by name and key; the chain in its order from a number on', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const who = `Ana ${fleet.person.id.slice(0, 8)}`;
  const wide = { terminal: true, columns: 160, environment: { NO_COLOR: '1' } };
  const rows = async (...args: string[]) =>
    (await fleet.call(['acts', ...args], wide)).out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/ {2,}/));
  const [time, outcome] = ['2026-03-01 12:00:00', 'allowed'];
  const all = [
    ['4', time, who, 'configuration 7 for north-2: quieter', outcome],
    ['3', time, 'centre', '{"duty":"rollout"}', 'done'],
    ['2', time, who, 'command reboot for north-1, id act-00000001', outcome],
    ['1', time, who, 'PUT /v1/layers/fleet', outcome],
  ];
  t.deepEqual(await rows(), all);
  t.deepEqual(await rows('--before', '3'), all.slice(2));
  t.deepEqual(await rows('--from', '2'), all.slice(0, 3).reverse());
  t.is((await fleet.call(['acts', '--limit', '2'])).err, 'More: npx atalaya-fleet acts --before 3\n');
  t.is((await fleet.call(['acts', '--limit', '2', '--from', '1'])).err, 'More: npx atalaya-fleet acts --from 3\n');
  t.is((await fleet.call(['acts', '--from', '1'])).err, '');
  t.is(JSON.parse((await fleet.call(['acts', '--json'])).out).acts[0].number, 4);
});

test('what an act may not be asked for, and a key that is accepted', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  t.is((await fleet.call(['acts', '--from', '0'])).code, 2);
  t.is((await fleet.call(['acts', '--limit', 'all'])).code, 2);
  const key = 'a'.repeat(64);
  const accepted = await fleet.call(['accept-key', 'north-1', '--presented', key, '--reason', 'new board']);
  t.is(accepted.code, 0, accepted.err);
  t.deepEqual(fleet.requests.at(-1)?.body, { key, reason: 'new board' });
  t.is((await fleet.call(['accept-key', 'north-1', '--reason', 'x'])).code, 2);
  t.is((await fleet.call(['accept-key', '../x', '--presented', key, '--reason', 'x'])).code, 2);
});

test('what stands between the program and the centre is told with what to do', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [2, /the bridge's address is empty\n {2}Give --bridge/, ['status', '--bridge', '']],
    [2, /is http:\/\/ and leads away/, ['status', '--bridge', 'http://example.org']],
    [2, /the bridge's address is none: ftp/, ['status', '--bridge', 'ftp://x']],
    [
      1,
      /bridge-unavailable: .*there is no socket\n {2}Start atalaya-bridge/,
      ['status', '--bridge', 'unix:/nowhere/x'],
    ],
    [1, /nobody listens there/, ['status', '--bridge', 'http://127.0.0.1:9']],
    [2, /key-missing: .*\n {2}Correct --key .* npx atalaya-fleet new-key/, ['status', '--key', '/nowhere/x.pem']],
    [2, /unknown command 'sttus'/, ['sttus']],
    [2, /unknown option/, ['status', '--colour']],
    [2, /It is not 1 to 63/, ['status', 'Not a unit']],
    [2, /authority .* cannot be read/, ['status', '--ca', '/nowhere/ca.pem']],
  ];
  for (const [code, words, args] of cases) {
    const result = await fleet.call(args);
    t.is(result.code, code, `${args.join(' ')}: ${result.err}`);
    t.regex(result.err, words);
  }
  const unset = { environment: { ATALAYA_BRIDGE: '' } };
  t.regex((await fleet.call(['status'], unset)).err, /no bridge is named\n {2}Give --bridge, or set ATALAYA_BRIDGE/);
  t.is((await fleet.call(['status'], { environment: { ATALAYA_KEY: '' } })).code, 2);
  fleet.instead = () => ({ status: 403, error: { code: 'not-allowed', message: 'the role technician may not' } });
  const refused = await fleet.call(['status']);
  t.is(refused.code, 1);
  t.regex(
    refused.err,
    /act-refused: the centre says not-allowed: the role technician may not\n {2}Have somebody do it/,
  );
  fleet.instead = () => ({ text: 'not JSON at all' });
  t.regex((await fleet.call(['status'])).err, /message-refused: what the bridge answered cannot be read/);
  fleet.instead = () => ({ text: '{"units":[{"unit":"x"}]}' });
  t.regex((await fleet.call(['status'])).err, /the bridge answered something else: units\[0\]/);
  fleet.instead = () => ({ text: 'gone', status: 502 });
  t.regex((await fleet.call(['status'])).err, /bridge-unavailable: the centre says status 502/);
});
