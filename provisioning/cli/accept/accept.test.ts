import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import type { StubAnswer, StubRequest } from '../../../cloud-bridge/fleet/testing/stub-bridge.ts';
import { ed25519 } from '../../../device/evidence/verify/testing/attacks.ts';
import { digest, TinyUnit } from '../../../device/evidence/verify/testing/tiny-unit.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { door, found, madeReport, testedAt } from '../../accept/testing/made-test.ts';
import { provision } from '../../testing/program-call.ts';
import { runProvision } from '../program.ts';
import { QuestionStopped } from '../terminal.ts';
import { type Centre, centreOf, sealTest } from './testing/accept-centre.ts';
import { identity, stored, trustFiles } from './testing/accept-files.ts';

test('through a centre: tested, tried, sealed, verified there, accepted, and every command signed', async (t) => {
  const centre = await centreOf(t);
  const { fleet, unit } = centre;
  const said = await centre.call(['y', 'y', 'y']);
  t.is(said.code, 0, said.err + said.out);
  t.regex(said.out, /^north-1: Accepted\nSigned with the key/);
  const document = await stored(fleet.at('out'));
  t.like(document, {
    ...{ outcome: 'accepted', by: { name: 'Ana', role: 'supervisor' }, decided: true },
    evidence: {
      sequence: 3,
      id: 'north-1-000000003',
      inclusion: 'proven',
      signer: digest(unit.spki),
      checkpoint: { size: 3 },
    },
  });
  t.deepEqual(
    fleet.commands.map(({ name, arguments: given }) => [name, given]),
    [
      ['self-test', {}],
      ['snapshot', { width: 1920 }],
      ...([
        ['self-test', {}],
        ['self-test', {}],
      ] as const),
      ['self-test', { pulse: ['beacon'] }],
      ['self-test', { seal: true }],
    ],
  );
  const pulse = fleet.commands.find(({ arguments: given }) => 'pulse' in given);
  t.is(
    Date.parse(pulse?.expires ?? '') - Date.parse(pulse?.issued ?? ''),
    1000,
    'nothing is switched when nobody looks',
  );
  const verifying = [
    'accept',
    'verify',
    fleet.at('out'),
    ...(await trustFiles(fleet.at.bind(fleet), fleet.person.publicPem, 'supervisor')),
  ];
  const holds = await provision(verifying, { clock: fleet.clock });
  t.is(holds.code, 0, holds.out);
  const twice = await centre.call(['y']);
  t.is(twice.code, 2);
  t.regex(twice.err, /holds an acceptance that was decided: accepted/);
});

test('ended while it waits, and at a question: the same call goes on, and says so', async (t) => {
  const centre = await centreOf(t);
  const { fleet, call } = centre;
  const err: string[] = [];
  const sink = (to: string[]) => ({ write: (text: string) => void to.push(text), columns: undefined });
  const stoppedAt = async (signal: AbortSignal) => {
    const code = await runProvision(
      [
        ...['accept', 'north-1', '--bridge', `unix:${fleet.at('bridge.sock')}`],
        ...['--key', fleet.at('ana.pem'), '--out', fleet.at('out')],
      ],
      {
        ...{ out: sink([]), err: sink(err), askSecret: undefined, clock: fleet.clock, randomBytes, signal },
        ask: async () => {
          throw new QuestionStopped('stopped');
        },
        exchange: async () => t.fail() as never,
      },
    );
    t.is(code, 1);
    t.regex(err.join('').split('\n').at(-2) ?? '', /^stopped; the same call goes on/);
  };
  const over = new AbortController();
  centre.instead = ({ name }) => {
    if (name === 'reply') over.abort();
    return undefined;
  };
  await stoppedAt(over.signal);
  t.is(fleet.commands.length, 1, 'ended while the unit tests itself');
  fleet.commands.length = 0;
  centre.instead = () => undefined;
  await stoppedAt(new AbortController().signal);
  t.deepEqual(
    fleet.commands.map(({ name }) => name),
    ['self-test', 'snapshot'],
  );
  t.is((await call(['y', 'y', 'y'])).code, 0);
  t.is(fleet.commands.filter(({ name }) => name === 'snapshot').length, 1, 'what was done is not done again');
});

test('test evidence that is not what it should be: each is found at the centre', async (t) => {
  const other = new TinyUnit('north-1', ed25519());
  for (let i = 0; i < 3; i += 1) sealTest(other);
  const entryOf = ({ entries }: TinyUnit, i: number) => {
    const { record, signature } = entries[i] ?? { record: Buffer.from('{}'), signature: Buffer.from('xxxx') };
    return { record: JSON.parse(record.toString()), signature: signature.toString('base64') };
  };
  const cases: readonly (readonly [
    string,
    RegExp,
    (centre: Centre, request: StubRequest) => StubAnswer | undefined,
  ])[] = [
    [
      'absent',
      /has not come to the centre within 1 s/,
      ({ fleet }, { name }) => {
        if (name !== 'events') return undefined;
        void fleet.clock.advance(milliseconds(1100));
        return { json: { events: [] } };
      },
    ],
    [
      'forged',
      /does not verify under the unit's key [0-9a-f]{16}: .*The signature is not one of the given key/,
      (_, { name }) => eventsOf(name, (i) => entryOf(other, i)),
    ],
    [
      'no test',
      /entry 3 is no test evidence/,
      (centre) => {
        centre.seal = (unit) => unit.evidence(1);
        return undefined;
      },
    ],
    [
      'no key',
      /the centre knows no key/,
      ({ fleet }, { name }) => (name === 'unit' ? { json: fleet.unit('north-1') } : undefined),
    ],
    [
      'another root',
      /do not give the root of the log/,
      (centre, { name }) => {
        if (name !== 'unit') return undefined;
        const { fleet, unit } = centre;
        const key = { id: digest(unit.spki), spki: unit.pem, vkey: unit.vkey, since: testedAt };
        const checkpoint = { size: 3, root: other.root().toString('base64'), cosignedAt: testedAt };
        return { json: fleet.unit('north-1', { key, checkpoint }) };
      },
    ],
  ];
  for (const [what, words, instead] of cases) {
    const centre = await centreOf(t);
    centre.instead = (request) => (centre.fleet.commands.length < 6 ? undefined : instead(centre, request));
    const said = await centre.call(['y', 'y', 'n']);
    t.is(said.code, 1, what);
    t.regex(said.out, words);
    t.is((await stored(centre.fleet.at('out'))).outcome, 'refused');
  }
  const seen = await centreOf(t);
  const signing = { keptIn: 'tpm', algorithm: 'ed25519', fingerprint: 'ef'.repeat(32) };
  await writeFile(seen.fleet.at('identity.json'), JSON.stringify({ ...identity, signing }));
  const swapped = await seen.call(['y', 'y', 'n'], '--identity', seen.fleet.at('identity.json'));
  t.regex(swapped.out, /the unit itself showed efefefefefefefef: another unit may be sending under its name/);
});

function eventsOf(name: string, data: (i: number) => object): StubAnswer | undefined {
  if (name !== 'events') return undefined;
  const events = [0, 1, 2].map((i) => ({
    ...{ position: i + 1, unit: 'north-1', lane: 'infraction', stream: '0123456789abcdef', sequence: i + 1 },
    ...{ previous: i, kind: 'audit', time: testedAt, archived: testedAt, data: data(i) },
  }));
  return { json: { events } };
}

test('a technician may not read events: the centre is taken at its word and that is a doubt, or an auditor reads', async (t) => {
  const centre = await centreOf(t);
  const { fleet } = centre;
  const asTechnician = fleet.trust.people.map((one) => ({ ...one, role: 'technician' as const }));
  fleet.trust = { ...fleet.trust, people: asTechnician };
  const alone = await centre.call(['y', 'y', 'the centre was called', 'y']);
  t.is(alone.code, 0, alone.err + alone.out);
  const document = await stored(fleet.at('out'));
  t.like(document, {
    outcome: 'accepted-with-doubts',
    by: { role: 'technician' },
    evidence: { outcome: 'archived', record: null },
  });
  t.regex(document.doubts[0]?.says ?? '', /the record itself was not read here, since this person may not/);
  t.false(fleet.requests.some(({ name }) => name === 'events'));

  const other = fleet.at('two');
  const refused = await centre.call(['y'], '--out', other, '--reader', fleet.at('ana.pem'));
  t.is(refused.code, 1);
  t.regex(refused.err, /not-allowed: Ana is technician, and that role may not read events/);
  t.false((await readdir(fleet.folder)).includes('two'), 'nothing is begun');
});

test('whatever is wrong: a sentence, what to do, and nothing half-done', async (t) => {
  const centre = await centreOf(t);
  const { fleet } = centre;
  const begun = () => readdir(fleet.folder).then((names) => names.includes('out'));
  const auditor = { ...fleet.trust, people: fleet.trust.people.map((one) => ({ ...one, role: 'auditor' as const })) };
  const asIs = fleet.trust;
  fleet.trust = auditor;
  const notAllowed = await centre.call(['y']);
  t.is(notAllowed.code, 1);
  t.regex(notAllowed.err, /not-allowed: Ana is auditor[\s\S]*Have somebody do it whose role allows it/);
  fleet.trust = asIs;
  for (const [code, words, ...args] of [
    [2, /never heard of north-9; units like it: north-1/, 'accept', 'north-9', '--out', fleet.at('out')],
    [2, /nobody says where the report goes/, 'accept', 'north-1'],
    [2, /"North 1" is no name of a unit/, 'accept', 'North 1', '--out', fleet.at('out')],
    [
      2,
      /drawn\.png does not exist/,
      'accept',
      'north-1',
      '--out',
      fleet.at('out'),
      '--calibration',
      fleet.at('drawn.png'),
    ],
  ] as const) {
    const keys = ['--bridge', `unix:${fleet.at('bridge.sock')}`, '--key', fleet.at('ana.pem')];
    const wrong = await provision([...args, ...keys], { clock: fleet.clock });
    t.is(wrong.code, code, wrong.err);
    t.regex(wrong.err, words);
  }
  const offline = async (...args: readonly string[]) => {
    await writeFile(fleet.at('report.json'), JSON.stringify(madeReport([], { unit: 'south-9' })));
    return await provision(['accept', 'north-1', '--out', fleet.at('out'), ...args], { clock: fleet.clock });
  };
  t.regex((await offline('--report', fleet.at('report.json'))).err, /without a centre nobody says who accepts/);
  t.regex((await offline('--report', fleet.at('ana.pem'))).err, /is not JSON/);
  t.false(await begun());
  const named = ['--report', fleet.at('report.json'), '--technician', 'Ana', '--key', fleet.at('ana.pem')];
  const foreign = await offline(...named);
  t.is(foreign.code, 2);
  t.regex(foreign.err, /the report is of the unit south-9, and north-1 is to be accepted/);
  await t.throwsAsync(readFile(fleet.at('out/acceptance.json')), { code: 'ENOENT' });
  const gone = await provision(
    ['accept', 'north-1', '--bridge', 'http://127.0.0.1:1', '--key', fleet.at('ana.pem'), '--out', fleet.at('out')],
    { clock: fleet.clock },
  );
  t.is(gone.code, 1);
  t.regex(gone.err, /bridge-unavailable: cannot speak with the bridge at 127\.0\.0\.1:1: nobody listens there/);
  await mkdir(fleet.at('other'));
  await writeFile(fleet.at('other/steps.json'), 'x');
  const refused = await centre.call(undefined, '--out', fleet.at('other'));
  t.regex(refused.err, /steps\.json cannot be read: the acceptance begins anew/);
  t.is(refused.code, 1);
  t.regex(refused.out, /Nobody has looked at the picture/);
});

test('a unit that is silent, refuses, or answers for another: told in time, and the same call goes on', async (t) => {
  const centre = await centreOf(t);
  const { fleet } = centre;
  const answers = (answer: object | undefined) => {
    centre.instead = (request) => {
      // The clock of the person goes on while the unit says nothing.
      if (request.name === 'reply') void fleet.clock.advance(milliseconds(1100));
      const { name } = request;
      const { id: asked } = request.parameters;
      const command = fleet.commands.find(({ id }) => id === asked);
      return name === 'reply' && command !== undefined ? { json: { command, ...answer } } : undefined;
    };
  };
  answers(undefined);
  const quiet = await centre.call(['y']);
  t.is(quiet.code, 1);
  t.regex(quiet.err, /north-1 has not answered self-test within 1 s; the broker has given it on/);
  const reply = { id: 'act-00000001', name: 'self-test', at: testedAt };
  answers({ reply: { ...reply, outcome: 'failed', reason: 'self-test-failed: the camera' } });
  t.regex(
    (await centre.call(['y'])).err,
    /act-refused: north-1 says of self-test: failed: self-test-failed: the camera/,
  );
  answers({ reply: { ...reply, outcome: 'done', result: { report: madeReport([], { unit: 'south-9' }) } } });
  t.regex((await centre.call(['y'])).err, /message-refused: north-1 answered with a report of the unit south-9/);
  answers({ reply: { ...reply, outcome: 'done', result: { report: { status: 'good' } } } });
  t.regex((await centre.call(['y'])).err, /no report of a self-test/);
  centre.instead = () => undefined;
  centre.report = (_, count) =>
    madeReport([found('camera', 'failed', 'the picture is black')], {
      at: new Date(fleet.clock.utc()).toISOString(),
      lines: [{ ...door, changes: count }],
    });
  const covered = await centre.call(['n']);
  t.is(covered.code, 1);
  t.regex(covered.out, /^north-1: Refused\n {2}camera: the picture is black\n/);
});
