import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { unitIdentity } from '../contract/enrolment-documents.ts';
import { grouped, sameFingerprint } from '../contract/fingerprint.ts';
import { readBoardSerial } from './board-serial.ts';
import { der } from './der.ts';
import {
  enrolmentCodeModules,
  enrolmentCodeSvg,
  enrolmentCodeText,
  enrolmentUri,
  readEnrolmentUri,
} from './enrolment-code.ts';
import { secretFolders } from './folder-files.ts';
import { makeSigningRequest } from './signing-request.ts';
import { makeUnitKey, readUnitKey } from './unit-keys.ts';

const folder = await mkdtemp(join(tmpdir(), 'atalaya-identity-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

test('openssl reads and verifies the signing request', async (t) => {
  const key = makeUnitKey();
  const file = join(folder, 'unit.csr');
  await writeFile(file, await makeSigningRequest({ serial: '10000000ABCDEF01', unit: 'north-1' }, key));
  const said = execFileSync('openssl', ['req', '-in', file, '-verify', '-noout', '-text', '-subject'], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  t.regex(said, /CN ?= ?north-1, serialNumber ?= ?10000000ABCDEF01/);
  t.regex(said, /ecdsa-with-SHA256/);
  t.regex(said, /NIST CURVE: P-256/);
  const spki = execFileSync(
    'sh',
    ['-c', `openssl req -in ${file} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum`],
    { encoding: 'utf8' },
  );
  t.is(spki.slice(0, 64), key.fingerprint);
});

test('DER as OpenSSL writes it, for any length and number', (t) => {
  t.is(der.oid('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
  t.is(der.oid('2.16.840.1.101.3.4.1.42').toString('hex'), '060960864801650304012a');
  t.is(der.integer(600_000).toString('hex'), '02030927c0');
  t.is(der.integer(128).toString('hex'), '02020080');
  t.is(der.integer(0).toString('hex'), '020100');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (content) => {
      const written = der.octets(content);
      const head = written.byteLength - content.byteLength;
      const long = (written[1] ?? 0) & 0x7f;
      const length = head === 2 ? written[1] : Number.parseInt(written.subarray(2, 2 + long).toString('hex'), 16);
      return length === content.byteLength;
    }),
    { numRuns: 50 },
  );
});

test('the serial is of the board where it tells one', async (t) => {
  const read = (files: Record<string, string>) => readBoardSerial(async (path) => files[path]);
  const [tree, dmi, machine] = [
    '/proc/device-tree/serial-number',
    '/sys/class/dmi/id/product_serial',
    '/etc/machine-id',
  ];
  const id = '3d1219c7c4c5404aaa1f6d2a48adfda4\n';
  t.deepEqual(await read({ [tree as string]: '10000000abcdef01\0', [machine as string]: id }), {
    serial: '10000000abcdef01',
    from: 'device-tree',
  });
  t.deepEqual(await read({ [dmi as string]: 'PF2 X/9\n', [machine as string]: id }), {
    serial: 'PF2-X-9',
    from: 'dmi',
  });
  for (const nothing of [
    '',
    '0',
    '0000000000',
    'To Be Filled By O.E.M.',
    'System Serial Number',
    'None',
    'Default string',
  ]) {
    t.like(await read({ [dmi as string]: `${nothing}\n`, [machine as string]: id }), { from: 'machine-id' }, nothing);
  }
  t.is((await fault(read({}))).code, 'store-failed');
  const wanted = { fingerprint: 'a'.repeat(64), keptIn: 'file' };
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      const { serial, from } = await read({ [dmi as string]: text, [machine as string]: id });
      return unitIdentity.safeParse({ serial, serialFrom: from, ...wanted }).success;
    }),
  );
});

test('a fingerprint is read from a screen in any spelling, its end or all of it; a wrong one is told apart from no fingerprint', (t) => {
  const fingerprint = '0123456789abcdef'.repeat(4);
  t.is(grouped(fingerprint).slice(0, 14), '0123 4567 89AB');
  for (const typed of ['89abcdef', '89AB CDEF', ' 89ab-cdef ', grouped(fingerprint)])
    t.true(sameFingerprint(typed, fingerprint));
  for (const typed of ['89abcdee', 'f'.repeat(64)]) t.false(sameFingerprint(typed, fingerprint));
  for (const typed of ['', '9abcdef', '89abcdeg', 'yes'])
    t.throws(() => sameFingerprint(typed, fingerprint), { instanceOf: AtalayaError });
});

test('the QR code says who and which key, as text and as a picture', (t) => {
  const identity = { serial: '10000000:ab+1', fingerprint: 'ab'.repeat(32) };
  const uri = enrolmentUri(identity);
  t.is(uri, `atalaya:enrol?serial=10000000%3Aab%2B1&fp=${identity.fingerprint}`);
  t.deepEqual(readEnrolmentUri(`${uri}\n`), identity);
  for (const other of ['', 'https://x', uri.slice(0, -1), uri.replace('%3A', '%')])
    t.is(readEnrolmentUri(other), undefined);
  const modules = enrolmentCodeModules(identity);
  const lines = enrolmentCodeText(identity).split('\n');
  t.is(lines.length, Math.ceil((modules.length + 4) / 2));
  // The dark corner square: light border, then a dark line of seven modules.
  t.deepEqual(modules[0]?.slice(0, 8), [true, true, true, true, true, true, true, false]);
  t.is(lines[1]?.slice(0, 4), '██ ▄');
  t.regex(enrolmentCodeSvg(identity), /^<svg[\s\S]*<\/svg>$/);
});

test('what is secret is of its owner alone, from the first byte, also where another file stood before', async (t) => {
  const file = join(folder, 'unit.key');
  await writeFile(file, 'x', { mode: 0o644 });
  const key = makeUnitKey();
  await writeWholeFile(secretFolders, file, Buffer.from(key.pem));
  t.is((await stat(file)).mode & 0o777, 0o600);
  t.is(readUnitKey(await readFile(file, 'utf8'), file).fingerprint, key.fingerprint);
  const other = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (const text of ['', 'x', other]) t.throws(() => readUnitKey(text, file), { instanceOf: AtalayaError });
  t.true(key.sign(Buffer.from('a')).byteLength > 60);
  t.notThrows(() => sign('sha256', Buffer.from('a'), key.pem));
});
