import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { scanSecrets } from './scan-secrets.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();

/** What a clean root has, with `more` in it. */
function found(t: { teardown(end: () => void): void }, more: Readonly<Record<string, string>>): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-scan-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const clean = {
    'etc/machine-id': '',
    'etc/shadow': 'root:*:20000:0:99999:7:::\natalaya:!*:20000::::::\n',
    'etc/chrony/chrony.keys': '',
    'opt/atalaya/image/reader.ts': "const begin = '-----BEGIN PRIVATE KEY-----';\n",
    'opt/atalaya/image/.npmrc': 'fund=false\n',
    'etc/ssl/certs/root.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  };
  for (const [path, text] of Object.entries({ ...clean, ...more })) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return scanSecrets(folder).map(({ path, why }) => `${path}: ${why}`);
}

test('a clean root is clean', (t) => {
  t.deepEqual(found(t, {}), []);
});

const secrets: readonly (readonly [path: string, text: string, why: RegExp])[] = [
  ['opt/atalaya/image/unit.key', pem, /private key/],
  ['usr/share/x/key.txt', `text before\n${sec1}`, /private key/],
  ['opt/k', `AGE-SECRET-KEY-1${'QPZRY9X8GF'.repeat(6)}`, /private key/],
  ['etc/machine-id', '5f1c7d0b1ab84c0fae52f2f7b7f4b1e6\n', /identity/],
  ['var/lib/dbus/machine-id', '5f1c', /identity/],
  ['etc/shadow', 'root:$y$j9T$abc:20000:0:99999:7:::\n', /password.*root/],
  ['etc/shadow-', 'technician::20000:0:99999:7:::\n', /password.*technician/],
  ['etc/ssh/ssh_host_ed25519_key.pub', 'ssh-ed25519 AAAA', /host key/],
  ['root/.bash_history', 'ls\n', /traces/],
  ['root/.npm/_cacache/index', 'x', /cache/],
  ['home/ann/.ssh/known_hosts', 'x', /traces/],
  ['var/lib/systemd/random-seed', 'x', /seed/],
  ['etc/chrony/chrony.keys', '1 MD5 abc\n', /clock/],
  ['opt/atalaya/image/.npmrc', '//registry.example/:_authToken=npm_abc\n', /password of a registry/],
  ['var/lib/atalaya/identity/unit.key', 'x', /unit's data/],
];
for (const [path, text, why] of secrets) {
  test(`found: ${path} (${why.source})`, (t) => {
    const lines = found(t, { [path]: text });
    t.is(lines.length, 1, lines.join('\n'));
    t.true(lines[0]?.startsWith(`${path}: `));
    t.regex(lines[0] ?? '', why);
  });
}
