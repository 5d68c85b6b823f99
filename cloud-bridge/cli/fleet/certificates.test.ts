import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { GrantAnswer, RenewalGrant, RenewalView } from '../../contract/certificate.ts';
import { StubFleet } from './testing/stub-fleet.ts';

const hex = (digit: string) => digit.repeat(64);
const pem = (label: string) => `-----BEGIN ${label}-----\nAA==\n-----END ${label}-----\n`;
const signature = { key: hex('a'), value: 'A'.repeat(96) };
const instant = (days: number) => new Date(Date.parse('2026-03-01T12:00:00Z') + days * 86_400_000).toISOString();

/** A unit that asks for a certificate since a day, unless it is said otherwise. */
function viewOf(unit: string, more: Partial<RenewalView['report']> = {}, given?: RenewalView['grant']): RenewalView {
  const enrolled = { unit, version: 3, authority: hex('b'), certificate: 'abcdef0123', expires: instant(100) };
  const request = {
    ...{ schema: 'atalaya/renewal-request/1' as const, unit, enrolled, issued: instant(-1) },
    ...{ csr: pem('CERTIFICATE REQUEST'), signature },
  };
  const report = { at: instant(-1), enrolled, from: instant(-265), due: instant(-1), age: 'due' as const, request };
  return {
    unit,
    reported: instant(-1),
    report: { ...report, ...more },
    ...(given === undefined ? {} : { grant: given }),
  };
}

const grantOf = (unit: string, version = 4): RenewalGrant => ({
  ...{ schema: 'atalaya/grant/1' as const, unit, version, issued: instant(0) },
  ...{ certificate: pem('CERTIFICATE'), authorities: pem('CERTIFICATE'), signature },
});
const given = (version: number, answer?: GrantAnswer): NonNullable<RenewalView['grant']> => ({
  ...{ version, sha256: hex('c'), by: 'Ana', delivered: instant(0), relayed: instant(0) },
  ...(answer === undefined ? {} : { answer }),
});

test('who asks is listed, and what is to be signed is written to a folder', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const refused = {
    sha256: hex('c'),
    at: instant(0),
    outcome: 'refused' as const,
    reason: 'expired',
    detail: 'the clock',
  };
  const quiet = { age: 'not-due' as const, due: instant(50), request: undefined };
  let renewals = [
    viewOf('north-1', { session: 'abcdef0123' }),
    viewOf('north-2', {}, given(4)),
    viewOf('north-3', {}, given(4, refused)),
    viewOf('north-4', { ...quiet, session: '99', problem: 'the broker does not take it' }),
    viewOf('north-5', { age: 'expired' }),
  ];
  fleet.instead = ({ name }) => (name === 'renewals' ? { json: { renewals } } : undefined);
  const list = await fleet.call(['certificates', 'list']);
  t.is(list.code, 0, list.err);
  t.regex(list.out, /north-1 +abcdef01 +2026-06-09 +100 d +asked for since 2026-02-28/);
  t.regex(list.out, /north-2 .*granted 2026-03-01 12:00:00, no answer yet/);
  t.regex(list.out, /north-3 .*grant refused, expired: the\s+clock/);
  t.regex(list.out, /north-4 .*due 2026-04-20\n +the broker does not take it\n +connected with 99/);
  t.regex(list.out, /north-5 .*expired: enrol/);
  t.regex(list.err, /3 requests to be signed: .*certificates requests --out/);
  t.deepEqual(JSON.parse((await fleet.call(['certificates', 'list', 'north-2', '--json'])).out).renewals.length, 1);
  const stranger = await fleet.call(['certificates', 'list', 'north-9']);
  t.is(stranger.code, 2);
  t.regex(stranger.err, /never heard of north-9/);

  const out = fleet.at('requests');
  const written = await fleet.call(['certificates', 'requests', '--out', out]);
  t.is(written.code, 0, written.err);
  t.deepEqual(await readdir(out), ['north-1.json', 'north-3.json', 'north-5.json']);
  t.deepEqual(JSON.parse(await readFile(join(out, 'north-1.json'), 'utf8')), renewals[0]?.report.request);
  t.regex(written.err, /ca sign .*requests --renew --ca FOLDER --out grants/);
  t.is((await fleet.call(['certificates', 'requests', '--all', '--out', fleet.at('all')])).code, 0);
  t.is((await readdir(fleet.at('all'))).length, 4);
  renewals = [];
  t.regex((await fleet.call(['certificates', 'requests', '--out', fleet.at('none')])).out, /No unit asks/);
  await t.throwsAsync(readdir(fleet.at('none')));
  t.regex((await fleet.call(['certificates', 'list'])).out, /No unit has said anything/);
});

test('grants are delivered one by one, and waited for; what is none is refused before anything is sent', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const folder = fleet.at('grants');
  await mkdir(folder);
  const put = (name: string, content: unknown) =>
    writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  let answer: GrantAnswer | undefined;
  fleet.instead = ({ name, parameters: { unit = '' } }) => {
    if (name === 'renewals')
      return { json: { renewals: ['north-1', 'north-2'].map((one) => viewOf(one, {}, given(4, answer))) } };
    if (name !== 'deliverRenewal') return undefined;
    if (unit === 'south-1')
      return { status: 409, error: { code: 'document-refused', message: 'the grant is version 2' } };
    return { json: { unit, version: 4, sha256: hex('c'), relayed: instant(0) } };
  };
  const deliver = (...more: string[]) => fleet.call(['certificates', 'deliver', folder, ...more]);
  const sent = () => fleet.requests.filter(({ name }) => name === 'deliverRenewal').length;

  t.regex((await deliver()).err, /there is no grant in/);
  await put('north-1.json', grantOf('north-1'));
  for (const [content, why] of [
    ['{', /cannot be read as JSON/],
    ['x'.repeat(2e6), /has 2000000 bytes/],
    [{ ...grantOf('north-2'), site: 'x' }, /no grant that renews and nothing else: .*site: is no field/],
    [grantOf('north-1', 5), /are both for north-1/],
  ] as const) {
    await put('other.json', content);
    const said = await deliver();
    t.is(said.code, 2);
    t.regex(said.err, why);
  }
  t.is(sent(), 0, 'and no other grant was sent');

  await put('other.json', grantOf('north-2'));
  const plain = await deliver();
  t.is(plain.code, 0, plain.err);
  t.regex(plain.out, /north-1: grant 4 delivered\nnorth-2: grant 4 delivered/);
  t.regex(plain.err, /certificates list/);
  const waited = await deliver('--wait', '5');
  t.is(waited.code, 1);
  t.regex(waited.out, /north-1: no answer yet; the grant waits for it/);
  answer = { sha256: hex('c'), at: instant(0), outcome: 'refused', reason: 'other-key', detail: "another unit's" };
  const refused = await deliver('--wait', '5');
  t.is(refused.code, 1);
  t.regex(refused.out, /north-2: refused, other-key: another unit's/);
  answer = { sha256: hex('c'), at: instant(0), outcome: 'installed' };
  t.regex((await deliver('--wait', '5')).out, /north-1: installed\nnorth-2: installed/);
  await put('south-1.json', grantOf('south-1', 2));
  const some = await deliver('--wait', '5');
  t.is(some.code, 1);
  t.regex(some.out, /south-1: not delivered: .*the grant is version 2/);
  t.regex(some.out, /north-1: installed\nnorth-2: installed/, 'the others have theirs');
});
