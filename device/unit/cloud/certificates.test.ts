import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type IssuedCredentials, type IssueFaults, makePki } from '../../../cloud-bridge/testing/make-pki.ts';
import { systemClock } from '../../kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { unitConfig } from '../../testing/trust-files.ts';
import { credentialsOf } from './certificates.ts';

const day = 86_400_000;
const inDays = (days: number) => utcMilliseconds(systemClock.utc() + days * day);

async function place(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'unit-certificates-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const pki = await makePki(join(folder, 'pki'));
  const at = (name: string) => join(folder, name);
  const cloud = { broker: 'mqtts://broker.example', ca: at('ca.pem'), cert: at('unit.pem'), key: at('unit.key') };
  const config = unitConfig(at('data'), { cloud });
  /** Puts files in place; what is given besides goes before what was issued to `cn`. */
  const put = async (cn: string, change: Partial<IssuedCredentials> = {}, faults: IssueFaults = {}) => {
    const { ca, cert, key } = { ...(await pki.issue(cn, faults)), ...change };
    await writeFile(cloud.ca, ca);
    await writeFile(cloud.cert, cert);
    await writeFile(cloud.key, key);
  };
  return { pki, cloud, put, look: (days = 0) => credentialsOf(config, inDays(days)) };
}

test("a unit's own certificate is taken as it is, chain and all", async (t) => {
  const { pki, cloud, put, look } = await place(t);
  await put('unit-7');
  const { credentials, warnings } = await look();
  t.deepEqual(warnings, []);
  t.deepEqual(Object.keys(credentials).sort(), ['ca', 'cert', 'key']);
  await writeFile(cloud.cert, Buffer.concat([credentials.cert ?? Buffer.alloc(0), pki.otherCa]));
  t.deepEqual((await look()).warnings, []);
  await writeFile(cloud.ca, Buffer.concat([pki.otherCa, credentials.ca ?? Buffer.alloc(0)]));
  t.deepEqual((await look()).warnings, []);
});

test("another unit's certificate, another's key, and files that hold something else are named, with what to do", async (t) => {
  const { pki, put, look } = await place(t);
  const other = await pki.issue('unit-8');
  const own = await pki.issue('unit-7');
  const cases: readonly (readonly [string, string, Partial<IssuedCredentials>, RegExp])[] = [
    ['another unit', 'unit-8', {}, /it is for "unit-8", not for unit-7$/],
    ['a bridge', 'bridge-1', {}, /it is for "bridge-1", not for unit-7$/],
    ["another's key", 'unit-7', { key: other.key }, /the private key is not the one that it was issued for$/],
    [
      'a certificate for a key',
      'unit-7',
      { key: own.cert },
      /its private key cannot be read: the file holds a certificate$/,
    ],
    ['a key for a certificate', 'unit-7', { cert: own.key }, /it cannot be read: the file holds a private key/],
    [
      'an authority without one',
      'unit-7',
      { ca: Buffer.from('') },
      /the authority's certificate cannot be read: the file is empty$/,
    ],
    [
      'a key for an authority',
      'unit-7',
      { ca: own.key },
      /the authority's certificate cannot be read: .* private key$/,
    ],
    [
      'all of it',
      'unit-8',
      { key: own.key, ca: Buffer.from('x') },
      /issued for; it is for "unit-8".*; the authority's/,
    ],
  ];
  for (const [title, cn, change, words] of cases) {
    await put(cn, change);
    for (const days of [0, 4000]) {
      const error = await t.throwsAsync(look(days), undefined, title);
      t.true(isAtalayaError(error, 'config-invalid'), title);
      t.regex(error?.message ?? '', words, title);
      t.regex((error as AtalayaError).hint ?? '', /issued to unit-7/);
      for (const line of own.key.toString().split('\n').slice(1, -2)) t.false(error?.message.includes(line));
    }
  }
});

test('dates stop no unit: they are warned of from 30 days before the end on', async (t) => {
  const { put, look } = await place(t);
  await put('unit-7');
  t.deepEqual((await look(330)).warnings, []);
  t.regex((await look(340)).warnings.join(), /^the certificate of the unit: it expires on 20/);
  t.regex((await look(400)).warnings.join(), /^the certificate of the unit: it expired on 20/);
  t.is((await look(4000)).warnings.length, 2, 'its own and the authority');
  await put('unit-7', {}, { expired: true });
  t.regex((await look()).warnings.join(), /it expired on /);
  await put('unit-7', {}, { notYet: true });
  t.regex((await look()).warnings.join(), /it is not valid before .* by the clock of this machine$/);
});
