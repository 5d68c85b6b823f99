import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { secretFolders } from '../identity/folder-files.ts';
import { makeSigningRequest } from '../identity/signing-request.ts';
import { makeUnitKey } from '../identity/unit-keys.ts';
import {
  day,
  madeAuthority,
  openssl,
  opensslVerify,
  otherKinds,
  signed,
  testTools,
} from '../testing/made-authority.ts';
import { Authority } from './authority.ts';
import { beginAuthority } from './begin-authority.ts';
import { renewIntermediate } from './renew-intermediate.ts';
import { publishList, revokeHolder } from './revocation.ts';
import { readSigningRequest } from './signing-request.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-ca-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const place = (name: string) => join(base, name);

test('openssl believes what it signs, for as long as it should, and what is revoked no more', async (t) => {
  const folder = place('believed');
  const clock = new ManualClock(Date.now());
  const authority = await madeAuthority(folder, testTools(clock));
  const [one, two] = [await signed(authority, 'north-1'), await signed(authority, 'north-2', { days: 10 })];
  await publishList(authority, 30, undefined);
  t.like(await opensslVerify(folder, one.signed.file), { good: true });
  t.like(await opensslVerify(folder, two.signed.file), { good: true });
  const text = (await openssl('x509', '-in', one.signed.file, '-noout', '-text')).said;
  t.regex(text, /Subject: CN ?= ?north-1\n/);
  t.regex(text, /URI:atalaya:unit:north-1/);
  t.regex(text, /TLS Web Client Authentication\n/);
  t.regex(text, /CA:FALSE/);
  t.regex(
    (await opensslVerify(folder, two.signed.file, { at: clock.utc() + 11 * day })).said,
    /certificate has expired/,
  );
  t.regex((await opensslVerify(folder, two.signed.file, { at: clock.utc() - day })).said, /not yet valid/);

  const revoked = await revokeHolder(authority, 'north-1', 'key-compromise');
  t.deepEqual(
    revoked.map(({ serial }) => serial),
    [one.signed.record.serial],
  );
  t.like(await opensslVerify(folder, one.signed.file), { good: true }, 'until the next list');
  const list = await publishList(authority, 30, undefined);
  t.is(list.number, 2);
  t.regex((await opensslVerify(folder, one.signed.file)).said, /certificate revoked/);
  t.like(await opensslVerify(folder, two.signed.file), { good: true });
  const crl = (await openssl('crl', '-in', list.file, '-noout', '-text', '-CAfile', join(folder, 'ca.pem'))).said;
  t.regex(crl, /verify OK/);
  t.regex(crl, /CRL Number: \n +2/);
  t.regex(crl, /Key Compromise/);
  await authority.close();

  const other = await madeAuthority(place('foreign'));
  const foreign = await signed(other, 'north-3');
  t.regex((await opensslVerify(folder, foreign.signed.file)).said, /unable to get local issuer certificate/);
  await other.close();
});

test('the keys are encrypted as PBES2 with AES-256, for their owner alone; another passphrase opens nothing', async (t) => {
  const folder = place('secret');
  const passphrase = 'caballo correcto ñ 7';
  const { rootKey } = await beginAuthority({ folder, name: 'F', passphrase, rootDays: 7300, days: 1825 }, testTools());
  const authority = await Authority.open(folder, testTools());
  t.true(await authority.encrypted());
  t.is((await fault(authority.unlock('caballo correcto n 7'))).code, 'key-wrong');
  t.is((await fault(authority.unlock(undefined))).code, 'key-wrong');
  t.is((await authority.unlock(passphrase)).fingerprint, authority.current.fingerprint);
  t.is((await stat(rootKey)).mode & 0o777, 0o600);
  t.is((await stat(folder)).mode & 0o777, 0o700);
  const passFile = place('pass');
  await writeFile(passFile, passphrase);
  t.like(await openssl('pkey', '-in', rootKey, '-passin', `file:${passFile}`, '-noout'), { good: true });
  t.regex(
    (await openssl('asn1parse', '-in', rootKey)).said,
    /PBES2[\s\S]*PBKDF2[\s\S]*0927C0[\s\S]*hmacWithSHA256[\s\S]*aes-256-cbc/,
  );
  await authority.close();
});

test('a request that is not what it says is refused', async (t) => {
  const key = makeUnitKey();
  const good = await makeSigningRequest({ serial: '10000000abcdef01' }, key);
  const request = await readSigningRequest(good, 'unit');
  t.is(request.fingerprint, key.fingerprint);
  t.is(request.serial, '10000000abcdef01');
  t.is(request.name, undefined);
  const forged = await makeSigningRequest(
    { serial: 'S', unit: 'north-1' },
    { spki: key.spki, sign: (text) => makeUnitKey().sign(text) },
  );
  t.regex((await fault(readSigningRequest(forged, 'unit'))).message, /not of the key that it names/);
  for (const text of [
    '',
    'x',
    good.slice(0, 80),
    good.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA'),
    'A'.repeat(20_000),
  ]) {
    t.is((await fault(readSigningRequest(text, 'unit'))).code, 'document-refused');
  }
  for (const [name, make] of Object.entries(otherKinds)) {
    const file = place(`${name}.key`);
    await writeFile(file, make().export({ format: 'pem', type: 'pkcs8' }));
    const csr = execFileSync('openssl', ['req', '-new', '-key', file, '-subj', '/CN=broker.example'], {
      encoding: 'utf8',
    });
    t.is((await fault(readSigningRequest(csr, 'unit'))).code, 'document-refused', `${name} for a unit`);
    if (name === 'P-384' || name === 'RSA 2048') t.is((await readSigningRequest(csr, 'broker')).name, 'broker.example');
    else t.is((await fault(readSigningRequest(csr, 'broker'))).code, 'document-refused', `${name} for a broker`);
  }
});

test('a name is one key, and a key is one name', async (t) => {
  const authority = await madeAuthority(place('names'));
  const first = await signed(authority, 'north-1');
  t.regex((await fault(signed(authority, 'north-1'))).message, /the unit north-1 is issued to another key/);
  t.regex(
    (await fault(signed(authority, 'north-2', { key: first.key }))).message,
    /this key is the one of the unit north-1/,
  );
  for (const name of ['North-1', 'bridge-1', '', 'a'.repeat(64), '../x', 'x y']) {
    t.is((await fault(signed(authority, name))).code, 'usage-invalid', name);
  }
  t.is((await fault(signed(authority, 'centre', { kind: 'bridge' }))).code, 'usage-invalid');
  const bridge = await signed(authority, 'bridge-1', { kind: 'bridge' });
  t.regex((await openssl('x509', '-in', bridge.signed.file, '-noout', '-text')).said, /URI:atalaya:bridge:bridge-1/);
  const broker = await signed(authority, 'broker.example', { kind: 'broker', hosts: ['10.0.0.7'] });
  t.regex(
    (await openssl('x509', '-in', broker.signed.file, '-noout', '-text')).said,
    /TLS Web Server[\s\S]*DNS:broker.example, IP Address:10.0.0.7/,
  );
  const api = await signed(authority, 'broker.example', { kind: 'api', hosts: ['10.0.0.7'] });
  t.regex(
    (await openssl('x509', '-in', api.signed.file, '-noout', '-text')).said,
    /TLS Web Server[\s\S]*DNS:broker.example, IP Address:10.0.0.7/,
    'the HTTPS server on the same host, beside the broker',
  );
  const second = await fault(signed(authority, 'broker.example', { kind: 'broker' }));
  t.regex(second.hint ?? '', /^Revoke nothing that runs: .*--kind api.*--name ANOTHER --host broker.example/);
  t.regex(
    (await fault(signed(authority, 'bridge-1', { kind: 'bridge' }))).hint ?? '',
    /only if the old bridge is stopped .*revoke bridge-1/,
  );
  t.regex(
    (await fault(signed(authority, 'broker.example', { kind: 'api', key: broker.key }))).hint ?? '',
    /a key of its own/,
  );
  const both = await fault(revokeHolder(authority, 'broker.example', 'superseded'));
  t.regex(both.message, /the name of several: broker, HTTPS server/);
  t.deepEqual(
    (await revokeHolder(authority, 'broker.example', 'superseded', 'api')).map(({ serial }) => serial),
    [api.signed.record.serial],
    'and the broker is left as it is',
  );
  const again = await signed(authority, 'north-1', { key: first.key });
  t.true(again.signed.again);
  t.is(again.signed.record.serial, first.signed.record.serial);
  const longer = await signed(authority, 'north-1', { key: first.key, days: 30 });
  t.false(longer.signed.again, 'another life is another certificate');
  const request = { serial: 'S', unit: 'south-1' };
  const named = await readSigningRequest(await makeSigningRequest(request, makeUnitKey()), 'unit');
  t.is(named.name, 'south-1');

  t.is((await revokeHolder(authority, 'north-1', 'superseded')).length, 2);
  const replaced = await signed(authority, 'north-1');
  t.false(replaced.signed.again);
  await revokeHolder(authority, replaced.signed.record.serial.toUpperCase(), 'key-compromise');
  t.regex((await fault(signed(authority, 'north-1', { key: replaced.key }))).message, /revoked as stolen/);
  t.regex((await fault(revokeHolder(authority, 'north-1', 'unspecified'))).message, /is revoked since/);
  t.regex((await fault(revokeHolder(authority, 'west-9', 'unspecified'))).message, /no certificate has/);
  const serials = authority.register.issued.map(({ serial }) => serial);
  t.is(new Set(serials).size, serials.length);
  await authority.close();
});

test('an authority that has expired, or is not valid yet, signs nothing; the root puts another one in its place', async (t) => {
  const folder = place('expiring');
  const clock = new ManualClock(Date.now());
  const tools = testTools(clock);
  await beginAuthority({ folder, name: 'F', passphrase: undefined, rootDays: 7300, days: 100 }, tools);
  const authority = await Authority.open(folder, tools);
  const old = await signed(authority, 'north-1');
  t.true(old.signed.cut);
  t.is(old.signed.record.until, authority.current.until);
  const begun = clock.utc();
  clock.setUtc(begun - 2 * day);
  t.is((await fault(signed(authority, 'north-2'))).code, 'authority-expired');
  clock.setUtc(begun + 50 * day);
  const renewal = {
    rootKey: join(folder, 'root', 'root.key'),
    rootPassphrase: undefined,
    passphrase: undefined,
    days: 1825,
    retire: false,
  };
  await renewIntermediate(authority, renewal);
  const fresh = await signed(authority, 'north-2');
  t.not(fresh.signed.record.issuer, old.signed.record.issuer);
  await publishList(authority, 30, undefined);
  t.like(
    await opensslVerify(folder, old.signed.file, { at: clock.utc() }),
    { good: true },
    'what the old one signed stays good',
  );
  t.like(await opensslVerify(folder, fresh.signed.file, { at: clock.utc() }), { good: true });
  clock.setUtc(begun + 101 * day);
  t.is(authority.living.length, 1);
  clock.setUtc(begun + 50 * day + 1826 * day);
  const late = await fault(signed(authority, 'north-3'));
  t.is(late.code, 'authority-expired');
  t.regex(late.hint ?? '', /renew-intermediate/);
  t.is((await fault(publishList(authority, 30, undefined))).code, 'authority-expired');
  clock.setUtc(begun + 7301 * day);
  t.regex((await fault(signed(authority, 'north-3'))).message, /the root of this authority expired/);
  t.is((await fault(renewIntermediate(authority, renewal))).code, 'authority-expired');
  await authority.close();
});

test('a retired authority is believed no more, nor is anything that it signed', async (t) => {
  const folder = place('retired');
  const authority = await madeAuthority(folder);
  const old = await signed(authority, 'north-1');
  await publishList(authority, 30, undefined);
  t.like(await opensslVerify(folder, old.signed.file, { untrusted: old.signed.file }), { good: true });
  const renewal = {
    rootKey: join(folder, 'root', 'root.key'),
    rootPassphrase: undefined,
    passphrase: undefined,
    days: 1825,
  };
  await renewIntermediate(authority, { ...renewal, retire: true });
  await publishList(authority, 30, undefined);
  const said = (await opensslVerify(folder, old.signed.file, { untrusted: old.signed.file })).said;
  t.regex(said, /unable to get certificate CRL/, 'a client sends the old authority along, and it does not help');
  const other = await madeAuthority(place('another'));
  const wrong = { ...renewal, rootKey: join(place('another'), 'root', 'root.key'), retire: false };
  t.is((await fault(renewIntermediate(authority, wrong))).code, 'key-mismatch');
  t.is((await fault(renewIntermediate(authority, { ...wrong, rootKey: '/nowhere/root.key' }))).code, 'key-missing');
  await other.close();
  await authority.close();
});

test('the root key goes to a folder of its own, and no authority is written over another', async (t) => {
  const tools = testTools();
  const plan = { name: 'F', passphrase: undefined, rootDays: 7300, days: 1825 };
  const folder = place('apart');
  const { rootKey } = await beginAuthority({ ...plan, folder, rootFolder: place('stick') }, tools);
  t.is(rootKey, join(place('stick'), 'root.key'));
  t.is(createPrivateKey(await readFile(rootKey)).asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.is((await fault(beginAuthority({ ...plan, folder }, tools))).code, 'key-exists');
  t.is(
    (await fault(beginAuthority({ ...plan, folder: place('apart-2'), rootFolder: place('stick') }, tools))).code,
    'key-exists',
  );
  await t.throwsAsync(stat(place('apart-2')), { code: 'ENOENT' }, 'nothing half-made is left');
  for (const [out, root] of [
    ['same', 'same'],
    ['in', 'in/keys'],
    ['in', 'in/root/deep'],
  ] as const) {
    const refused = await fault(beginAuthority({ ...plan, folder: place(out), rootFolder: place(root) }, tools));
    t.is(refused.code, 'usage-invalid');
    t.regex(refused.hint ?? '', new RegExp(`goes to .*${out}/root; or name a folder outside`));
    await t.throwsAsync(stat(place(out)), { code: 'ENOENT' }, 'nothing was made');
  }
  const said = await beginAuthority({ ...plan, folder: place('aloud'), rootFolder: place('aloud/root') }, tools);
  t.is(said.rootKey, join(place('aloud'), 'root', 'root.key'));
  t.is((await stat(said.rootKey)).mode & 0o777, 0o600);
  const busy = {
    ...secretFolders,
    rename: (from: string, to: string) =>
      to === place('top')
        ? Promise.reject(Object.assign(new Error('EBUSY'), { code: 'EBUSY' }))
        : secretFolders.rename(from, to),
  };
  const apart = { ...plan, folder: place('top'), rootFolder: place('stick-2') };
  t.regex((await fault(beginAuthority(apart, { ...tools, files: busy }))).message, /is the top of a file system/);
  await beginAuthority(apart, tools);
  await mkdir(place('empty'));
  await beginAuthority({ ...plan, folder: place('empty') }, tools);
  t.is((await fault(Authority.open(place('nothing'), tools))).code, 'usage-invalid');
});

test('two at a time are not let in, and a folder that cannot be written changes nothing', async (t) => {
  const folder = place('shared');
  const tools = { ...testTools(), lock: (path: string) => FolderLock.take(path) };
  const authority = await madeAuthority(folder, tools);
  t.is((await fault(Authority.open(folder, tools))).code, 'store-locked');
  await authority.close();
  await (await Authority.open(folder, tools)).close();
  if (process.getuid?.() === 0) {
    t.log('root may write everywhere: a read-only folder is tried in the power-cut tests');
    return;
  }
  await chmod(folder, 0o500);
  t.is((await fault(Authority.open(folder, tools))).code, 'store-failed');
  await chmod(folder, 0o700);
});
