import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { utcMilliseconds } from '../../device/kernel/units.ts';
import { DemoAuthority } from '../simulate/pki/pki.ts';
import { type ClientCredentials, checkClientCertificate } from './certificate-check.ts';

const day = 86_400_000;

async function world() {
  const authority = await DemoAuthority.create(systemClock);
  const other = await DemoAuthority.create(systemClock, 'Another authority');
  const { certPem, keyPem } = await authority.issue('bridge-1');
  const good: ClientCredentials = { certificate: certPem, key: keyPem, ca: authority.certPem };
  return { authority, other, good };
}

const look = (credentials: ClientCredentials, days = 0, name = 'bridge-1') =>
  checkClientCertificate(credentials, name, utcMilliseconds(systemClock.utc() + days * day));

test('a certificate that serves has neither problems nor warnings, with the chain behind it as well', async (t) => {
  const { good, other } = await world();
  t.deepEqual(look(good), { problems: [], warnings: [] });
  t.deepEqual(look({ ...good, ca: undefined }), { problems: [], warnings: [] });
  t.deepEqual(look({ ...good, ca: `${other.certPem}${good.ca}` }), { problems: [], warnings: [] });
});

test('every problem is said', async (t) => {
  const { authority, good } = await world();
  const server = await authority.issue('bridge-1', { server: ['localhost'] });
  const stranger = await authority.issue('bridge-1');
  const sealed = createPrivateKey(good.key)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
  const cases: readonly (readonly [string, Partial<ClientCredentials>, number, RegExp])[] = [
    ['a name that is another', await named(authority, 'bridge-2'), 0, /^it is for "bridge-2", not for bridge-1$/],
    ['a key of another', { key: stranger.keyPem }, 0, /^the private key is not the one that it was issued for$/],
    ['expired', {}, 400, /^it expired on 20\d\d-.*Z$/],
    ['of a server', { certificate: server.certPem, key: server.keyPem }, 0, /has no clientAuth$/],
    ['a key in its place', { certificate: good.key }, 0, /^it cannot be read: the file holds a private key$/],
    ['a certificate in place of the key', { key: good.certificate }, 0, /private key cannot be read: .* certificate$/],
    ['nothing', { certificate: '\n' }, 0, /^it cannot be read: the file is empty$/],
    ['no PEM', { key: 'hello' }, 0, /the file is no PEM$/],
    ['a key with a passphrase', { key: sealed }, 0, /asks for a passphrase/],
    ['an authority that is none', { ca: good.key }, 0, /^the authority's certificate cannot be read: .*private key$/],
  ];
  for (const [title, change, days, expected] of cases) {
    const { problems } = look({ ...good, ...change }, days);
    t.is(problems.length, 1, `${title}: ${problems.join('; ')}`);
    t.regex(problems[0] ?? '', expected, title);
  }
  const late = look(good, 4000).problems;
  t.deepEqual(
    late.map((one) => one.replace(/ on .*/, '')),
    ['it expired', "the authority's certificate expired"],
  );
});

test('what may be the clock, and what comes soon, is warned of', async (t) => {
  const { good, other } = await world();
  t.like(look(good, 340), { problems: [] });
  t.regex(look(good, 340).warnings.join(), /^it expires on /);
  t.regex(look(good, -100).warnings[0] ?? '', /^it is not valid before .* by the clock of this machine$/);
  t.deepEqual(look(good, -100).problems, []);
  t.deepEqual(look({ ...good, ca: other.certPem }).warnings, ["it was issued by another authority than the broker's"]);
});

test('a certificate of an authority is no client, and whatever the files hold, nothing is thrown and no key is told', async (t) => {
  const { authority, good } = await world();
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const { problems } = look({ certificate: authority.certPem, key });
  t.true(problems.includes('it is the certificate of an authority, not of a client'));
  const said = JSON.stringify([problems, look({ ...good, certificate: key, ca: key })]);
  t.false(said.includes(key.split('\n')[1] ?? '-'));
});

async function named(authority: DemoAuthority, cn: string): Promise<Partial<ClientCredentials>> {
  const { certPem, keyPem } = await authority.issue(cn);
  return { certificate: certPem, key: keyPem };
}
