import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { LinkCredentials } from '../../cloud-bridge/link/link-options.ts';
import type { Pki } from '../../cloud-bridge/testing/make-pki.ts';
import { connectRaw } from '../../cloud-bridge/testing/raw-client.ts';
import { startMosquitto } from '../../cloud-bridge/testing/start-mosquitto.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { day, type Holder, madeAuthority, signed, testTools } from '../testing/made-authority.ts';
import type { Authority } from './authority.ts';
import { renewIntermediate } from './renew-intermediate.ts';
import { publishList, revokeHolder } from './revocation.ts';

const folder = await mkdtemp(join(tmpdir(), 'atalaya-ca-broker-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** What a unit connects with: its chain and the fleet's authorities, as they lie in its identity folder. */
const credentials = (authority: Authority, { key, signed: { chain } }: Holder): LinkCredentials => ({
  ca: Buffer.from(authority.authoritiesPem()),
  cert: Buffer.from(chain),
  key: Buffer.from(key.pem),
});

test('Mosquitto lets units of the fleet in, and no others: expired, not yet valid, foreign, revoked, retired', async (t) => {
  const clock = new ManualClock(Date.now());
  const place = join(folder, 'ca');
  const authority = await madeAuthority(place, testTools(clock));
  const broker = await signed(authority, 'localhost', { kind: 'broker', hosts: ['127.0.0.1'] });
  await publishList(authority, 30, undefined);
  const server = { cert: join(folder, 'server.pem'), key: join(folder, 'server.key') };
  await writeFile(server.cert, broker.signed.chain);
  await writeFile(server.key, broker.key.pem, { mode: 0o600 });
  const [ca, crl] = [join(folder, 'ca.pem'), join(folder, 'crl.pem')];
  /** As a person carries the files to the broker. */
  const carry = async () => {
    await copyFile(join(place, 'ca.pem'), ca);
    await copyFile(join(place, 'crl.pem'), crl);
  };
  await carry();
  const started = await startMosquitto({ pki: { ca, crl, server } as Pki, bridges: ['bridge-1'] });
  if (started === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => started.stop());
  const accepted = async (name: string, given: LinkCredentials): Promise<boolean> => {
    const client = await connectRaw(started.port, given, { clientId: name, protocol: '5' });
    client.close();
    return client.accepted;
  };
  const north = credentials(authority, await signed(authority, 'north-1'));
  const south = credentials(authority, await signed(authority, 'south-1'));
  t.true(await accepted('north-1', north));
  t.true(await accepted('south-1', south));

  const now = clock.utc();
  clock.setUtc(now + 20 * day);
  t.false(await accepted('late-1', credentials(authority, await signed(authority, 'late-1'))), 'not yet valid');
  clock.setUtc(now);
  const old = await madeAuthority(join(folder, 'old'), testTools(new ManualClock(now - 40 * day)));
  t.false(
    await accepted('early-1', credentials(old, await signed(old, 'early-1', { days: 10 }))),
    'foreign, and expired',
  );
  clock.setUtc(now);

  await revokeHolder(authority, 'north-1', 'key-compromise');
  await publishList(authority, 30, undefined);
  t.true(await accepted('north-1', north), 'the broker does not know yet');
  await carry();
  await started.reload();
  t.false(await accepted('north-1', north), 'revoked');
  t.true(await accepted('south-1', south));

  const renewal = {
    rootKey: join(place, 'root', 'root.key'),
    rootPassphrase: undefined,
    passphrase: undefined,
    days: 1825,
  };
  await renewIntermediate(authority, { ...renewal, retire: false });
  const west = credentials(authority, await signed(authority, 'west-1'));
  t.false(await accepted('west-1', west), 'of a new authority, whose list the broker does not have');
  await publishList(authority, 30, undefined);
  await carry();
  await started.reload();
  t.true(await accepted('west-1', west));
  t.true(await accepted('south-1', south), 'what the old authority signed stays good');

  await renewIntermediate(authority, { ...renewal, retire: true });
  await publishList(authority, 30, undefined);
  await carry();
  await started.reload();
  t.false(await accepted('west-1', west), 'signed by an authority that was retired');
  t.true(await accepted('south-1', south), 'and the one before it is not concerned');
  t.regex(await readFile(crl, 'utf8'), /^-----BEGIN X509 CRL-----/);
  await authority.close();
  await old.close();
});

test('Mosquitto refuses a certificate that has expired', async (t) => {
  // The broker goes by the real clock, so the certificate is of an authority that lived in the past.
  const past = new ManualClock(Date.now() - 40 * day);
  const place = join(folder, 'past');
  const authority = await madeAuthority(place, testTools(past));
  const [gone, still] = [
    await signed(authority, 'gone-1', { days: 10 }),
    await signed(authority, 'still-1', { days: 100 }),
  ];
  const broker = await signed(authority, 'localhost', { kind: 'broker', hosts: ['127.0.0.1'] });
  await publishList(authority, 60, undefined);
  const server = { cert: broker.signed.file, key: join(folder, 'past.key') };
  await writeFile(server.key, broker.key.pem, { mode: 0o600 });
  const pki = { ca: join(place, 'ca.pem'), crl: join(place, 'crl.pem'), server } as Pki;
  const started = await startMosquitto({ pki, bridges: ['bridge-1'] });
  if (started === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => started.stop());
  const accepted = async (name: string, holder: Holder) => {
    const client = await connectRaw(started.port, credentials(authority, holder), { clientId: name, protocol: '5' });
    client.close();
    return client.accepted;
  };
  t.true(await accepted('still-1', still));
  t.false(await accepted('gone-1', gone));
  await authority.close();
});
