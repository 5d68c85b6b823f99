import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { checkClientCertificate } from '../link/certificate-check.ts';
import type { Link } from '../link/link.ts';
import { freePort } from '../testing/free-port.ts';
import { makePki } from '../testing/make-pki.ts';
import { openTestLink } from '../testing/mqtt-harness.ts';
import { findProgram, runProgram } from '../testing/run-program.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';

const document = await readFile(new URL('certificates.md', import.meta.url), 'utf8');
/** The blocks that are for every machine, in their order; those `at the broker` ask for root and a service. */
const blocks = [...document.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text ?? '');

/** What a shell says and its exit code. */
async function shell(folder: string, script: string): Promise<{ readonly code: number; readonly said: string }> {
  const env = { ...process.env, ATALAYA_CA_PASSPHRASE: 'correct horse' };
  try {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-euc', script], { cwd: folder, env });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

test.serial('the blocks of the document make an authority, and Mosquitto lets in whom it should', async (t) => {
  t.is(blocks.length, 5);
  if (findProgram('openssl') === undefined) {
    t.log('openssl is not installed: passed over');
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-certificates-'));
  const at = (file: string) => join(folder, file);
  const read = (file: string) => readFile(at(file), 'utf8');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const emptyList = at('before.pem');
  for (const [i, block] of blocks.entries()) {
    // The next block but one revokes: what the list was before.
    if (block.includes('-revoke')) await copyFile(at('crl.pem'), emptyList);
    const { code, said } = await shell(folder, block);
    t.is(code, 0, `block ${i + 1}: ${said}`);
  }
  t.regex(await read('ca.key'), /BEGIN ENCRYPTED PRIVATE KEY/);
  // As the document says: seen by everyone, also the list that was made again, or by its owner alone.
  const modes = { 'ca.pem': 0o644, 'crl.pem': 0o644, 'ca.key': 0o600, 'broker.key': 0o600, 'unit-0001.key': 0o600 };
  for (const [file, mode] of Object.entries(modes)) t.is((await stat(at(file))).mode & 0o777, mode, file);
  const ca = await read('ca.pem');
  for (const name of ['bridge-1', 'unit-0001', 'unit-0002']) {
    const given = { certificate: await read(`${name}.pem`), key: await read(`${name}.key`), ca };
    t.deepEqual(checkClientCertificate(given, name, systemClock.utc()), { problems: [], warnings: [] });
  }

  t.regex(
    (await shell(folder, 'openssl x509 -in api.pem -noout -ext subjectAltName')).said,
    /DNS:centre\.example\.org/,
  );

  const port = await freePort();
  const crl = at('in-use.pem');
  await copyFile(emptyList, crl);
  const server = { cert: at('broker.pem'), key: at('broker.key') };
  const broker = await startMosquitto({ pki: { ca: at('ca.pem'), crl, server }, port });
  if (broker === undefined) {
    t.log('mosquitto is not installed: the certificates were made, and not tried');
    return;
  }
  t.teardown(() => broker.stop());
  const connected = async (name: string): Promise<{ readonly link: Link; readonly fault: string | undefined }> => {
    const credentials = {
      ca: Buffer.from(ca),
      cert: await readFile(at(`${name}.pem`)),
      key: await readFile(at(`${name}.key`)),
    };
    const first = Promise.withResolvers<string | undefined>();
    const options = { url: broker.url, clientId: name, serverName: 'broker.example.org', ...credentials };
    const link = openTestLink(options, {
      online: () => first.resolve(undefined),
      offline: (fault) => first.resolve(fault?.message ?? 'lost'),
      arrived: () => undefined,
    });
    t.teardown(() => link.close());
    return { link, fault: await first.promise };
  };
  const one = await connected('unit-0001');
  t.is(one.fault, undefined);
  await one.link.publish('atalaya/v1/unit-0001/state', 'in', { qos: 1 });
  t.is((await connected('bridge-1')).fault, undefined);
  const before = await connected('unit-0002');
  t.is(before.fault, undefined, 'not revoked yet');
  await before.link.close();

  await copyFile(at('crl.pem'), crl);
  await broker.reload();
  t.regex((await connected('unit-0002')).fault ?? '', /our certificate is revoked/);
  await one.link.publish('atalaya/v1/unit-0001/state', 'still in', { qos: 1 });
  await one.link.close();
  t.is((await connected('unit-0001')).fault, undefined);
});

const ofBroker = [...document.matchAll(/^```sh at the broker\n(.*?)^```$/gms)].map(([, text]) => text ?? '');

test('what is for the broker is for root as it stands, and is good for a shell', async (t) => {
  t.is(ofBroker.length, 2);
  for (const block of ofBroker) {
    t.notRegex(block, /\bsudo\b/, 'a machine where one is root may have none');
    t.is((await shell('/', `sh -n <<'BLOCK'\n${block}BLOCK\n`)).code, 0);
  }
});

test.serial(
  'the user of the broker can read its key and nobody else can, whatever the umask; Mosquitto starts so',
  async (t) => {
    const mosquitto = findProgram('mosquitto');
    const user = 'id mosquitto && id nobody && command -v runuser && command -v openssl';
    if (mosquitto === undefined || process.getuid?.() !== 0 || (await shell('/', user)).code !== 0) {
      t.log('this is not root, or there is no mosquitto with its user: passed over');
      t.pass();
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), 'atalaya-certificates-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o711);
    const pki = await makePki(folder);
    await rename(pki.server.cert, join(folder, 'broker.pem'));
    await rename(pki.server.key, join(folder, 'broker.key'));
    const repository = new URL('../..', import.meta.url).pathname;
    const port = await freePort();
    for (const umask of ['077', '022']) {
      const etc = join(folder, `etc-${umask}`);
      const place = (text: string) =>
        text
          .replaceAll('/etc/mosquitto', etc)
          .replace(/^repository=.*$/m, `repository=${repository}`)
          .replaceAll('/var/lib/mosquitto', `${etc}/data`)
          .replace('listener 8883', `listener ${port} 127.0.0.1`);
      const setUp = `umask 022; mkdir ${etc}; install -d -o mosquitto -g mosquitto -m 700 ${etc}/data; umask ${umask}`;
      const told = 'systemctl() { echo "told to $1"; }';
      const { code, said } = await shell(folder, [setUp, told, blocks.at(-1) ?? '', ...ofBroker].map(place).join('\n'));
      t.is(code, 0, said);
      t.regex(said, /^told to restart\ntold to reload\n/);
      const at = (file: string) => `${etc}/atalaya/${file}`;
      for (const file of ['server.key', 'server.pem', 'ca.pem', 'crl.pem', 'acl']) {
        const { mode, uid } = await stat(at(file));
        t.deepEqual([mode & 0o777, uid], [0o640, 0], `${umask} ${file}`);
        t.is((await shell('/', `runuser -u mosquitto -- test -r ${at(file)}`)).code, 0, `${umask} ${file}`);
        t.is((await shell('/', `runuser -u nobody -- test -r ${at(file)}`)).code, 1, `${umask} ${file}`);
      }
      await writeFile(at('placed.conf'), place(await readFile(`${etc}/mosquitto.conf`, 'utf8')));
      const running = runProgram(mosquitto, ['-c', at('placed.conf')], {});
      try {
        await running.listens(port, 10_000);
        const owner = (await shell('/', `stat -c %U /proc/${running.pid}`)).said.trim();
        t.is(owner, 'mosquitto', running.lines.join('\n'));
      } finally {
        await running.end();
      }
    }
  },
);

test.serial('what ends soon or cannot be read is complained of', async (t) => {
  if (findProgram('openssl') === undefined) {
    t.log('openssl is not installed: passed over');
    t.pass();
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-certificates-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  t.is((await shell(folder, blocks.join('\n'))).code, 0);
  await copyFile(join(folder, 'broker.pem'), join(folder, 'server.pem'));
  const check = (days: number) => shell(folder, `./check-certificates.sh . ${days}`);
  t.deepEqual(await check(14), { code: 0, said: '' });
  const soon = await check(60);
  t.is(soon.code, 1);
  t.regex(soon.said, /^\.\/crl\.pem is good until .* GMT; after that the broker refuses every client\. Renew it\.\n$/);
  t.regex((await check(800)).said, /\.\/server\.pem is good until .* GMT\. Renew it\./);
  await writeFile(join(folder, 'crl.pem'), '');
  await rm(join(folder, 'server.pem'));
  const broken = await check(14);
  t.is(broken.code, 1);
  t.regex(
    broken.said,
    /crl\.pem cannot be read: the broker lets revoked certificates in.*\n.*server\.pem cannot be read/,
  );
});
