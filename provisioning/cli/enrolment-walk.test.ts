import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { makePersonKey, signerOf } from '../../cloud-bridge/contract/person-key.ts';
import { emptyTrust, signTrust, withPerson } from '../../cloud-bridge/fleet/trust-draft.ts';
import { loadConfig } from '../../device/config/load-config.ts';
import { systemClock } from '../../device/kernel/clock.ts';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { loadScene } from '../../device/scene/load-scene.ts';
import { UnitEnrolment, type UnitEnrolmentOptions } from '../enrol/unit-enrolment.ts';
import { enrolmentUri } from '../identity/enrolment-code.ts';
import { secretFolders } from '../identity/folder-files.ts';
import { day, openssl } from '../testing/made-authority.ts';
import { provision, serveUnit } from '../testing/program-call.ts';
import { configurationFault } from './enrol/configuration-fault.ts';
import { sceneFault } from './enrol/scene-fault.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-enrol-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const at = (...names: string[]) => join(base, ...names);
const passphrase = 'four words of no sense';

const unitIn = (folder: string, more: Partial<UnitEnrolmentOptions> = {}) =>
  new UnitEnrolment({
    folder: at(folder),
    files: secretFolders,
    clock: systemClock,
    serial: async () => ({ serial: '10000000abcdef01', from: 'device-tree' }),
    claim: { isOpen: () => true },
    configurationFault,
    sceneFault,
    data: '/var/lib/atalaya',
    lock: (path) => FolderLock.take(path),
    ...more,
  });

test.before(async (t) => {
  await writeFile(at('pass'), `${passphrase}\n`);
  await writeFile(at('wrong-pass'), 'four words of some sense\n');
  const made = await provision(['ca', 'init', '--out', at('ca'), '--name', 'A fleet', '--passphrase-file', at('pass')]);
  t.is(made.code, 0, made.err);
  const [root, person] = [makePersonKey(), makePersonKey()];
  const draft = withPerson(emptyTrust(systemClock.utc()), {
    name: 'Ana',
    role: 'supervisor',
    publicKey: person.publicPem,
  });
  await writeFile(
    at('trust.json'),
    JSON.stringify(await signTrust(draft, { now: systemClock.utc() }, signerOf(root.privatePem))),
  );
  await writeFile(at('root.public.pem'), root.publicPem);
  await writeFile(
    at('recipients'),
    '# the authority\nage1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n',
  );
  await writeFile(at('first.yaml'), 'log: {level: debug}\nscene: /etc/atalaya/scene.yaml\n');
});

const signing = ['--ca', at('ca'), '--passphrase-file', at('pass')];

test.serial(
  'over the network: the technician types what the screen shows, and the unit is one of the fleet',
  async (t) => {
    const unit = unitIn('walk');
    const page = await serveUnit(unit);
    t.teardown(() => page.close());
    const { fingerprint } = await unit.identity();
    const parts = [
      '--site',
      'North gate',
      '--broker',
      'mqtts://b.example:8883',
      '--trust',
      at('trust.json'),
      '--root-key',
      at('root.public.pem'),
    ];
    const more = ['--recipients', at('recipients'), '--config', at('first.yaml')];
    const call = ['enrol', page.address, '--unit', 'north-1', '--ca', at('ca'), ...parts, ...more];
    const said = await provision(call, { types: [fingerprint.slice(-8).toUpperCase()], passphrases: [passphrase] });
    t.is(said.code, 0, said.err);
    t.regex(said.out, /enrolled north-1/);
    t.regex(said.err, /serial 10000000abcdef01 \(from device-tree\), key in a file/);
    t.false(said.err.toLowerCase().includes(fingerprint.slice(-4)), 'what is to be typed is not shown');
    const config = await loadConfig(at('walk', 'current', 'unit.yaml'));
    t.like(config.unit, { id: 'north-1', site: 'North gate' });
    t.is(config.cloud.cert, at('walk', 'current', 'unit.pem'));
    t.is(config.cloud.trust, at('walk', 'current', 'trust.json'));
    t.is(config.evidence.data, '/var/lib/atalaya');
    t.like(await openssl('verify', '-CAfile', at('walk', 'current', 'ca.pem'), at('walk', 'current', 'unit.pem')), {
      good: true,
    });
    t.is((await stat(at('walk', 'current', 'unit.key'))).mode & 0o777, 0o600);
    const again = await provision([
      ...call,
      '--passphrase-file',
      at('pass'),
      '--fingerprint',
      enrolmentUri(await unit.identity()),
    ]);
    t.is(again.code, 0, again.err);
    t.regex(again.err, /same certificate/);
    const renamed = await provision([
      'enrol',
      page.address,
      '--unit',
      'north-9',
      ...signing,
      '--fingerprint',
      fingerprint,
    ]);
    t.is(renamed.code, 2);
    t.regex(renamed.err, /this unit is north-1 already/);
    t.is((await provision(['ca', 'init', '--out', at('ca-2'), '--no-passphrase'])).code, 0);
    const other = await provision([
      'enrol',
      page.address,
      '--unit',
      'north-1',
      '--ca',
      at('ca-2'),
      '--fingerprint',
      fingerprint,
    ]);
    t.is(other.code, 2);
    t.regex(other.err, /enrolled under the authority/);
  },
);

const device = join(import.meta.dirname, '../../device');

/** What `atalaya-unit` says of a configuration file. */
const unitSays = (file: string) =>
  promisify(execFile)(process.execPath, [join(device, 'cli/atalaya-unit.ts'), 'config', 'check', file]);

const referencesText = (scene: string) =>
  JSON.stringify({
    schema: 'atalaya/scene-references/1',
    scene,
    picture: { width: 1920, height: 1080 },
    made: '2026-05-04T10:00:00.000Z',
    patches: [0, 100, 200].map((x) => ({ x, y: 0, grey: Buffer.alloc(48 * 48, x).toString('base64') })),
  });

test.serial('first without a scene, which is told; on the second visit with one, calibrated', async (t) => {
  const unit = unitIn('visits');
  const page = await serveUnit(unit);
  t.teardown(() => page.close());
  const file = at('visits', 'current', 'unit.yaml');
  const { fingerprint } = await unit.identity();
  const call = ['enrol', page.address, '--unit', 'visits-1', ...signing, '--fingerprint', fingerprint];
  const first = await provision([...call, '--site', 'North gate']);
  t.is(first.code, 0, first.err);
  t.regex(
    first.out,
    /no scene yet: nothing is judged\n.*snapshot visits-1 --width 1920\), then enrol again with --scene/,
  );
  t.notRegex(first.out, /starts anew/, 'it has not started yet');
  const blank = await loadConfig(file);
  t.is(blank.scene, at('visits', 'current', 'scene.yaml'));
  t.like(await loadScene(blank.scene ?? '', { width: 640, height: 480 }), { name: 'not drawn yet', lanes: [] });
  t.regex((await unitSays(file)).stdout, /a valid configuration file/);

  const street = join(device, 'scene/examples/street.yaml');
  await writeFile(at('references.json'), referencesText('street'));
  const scene = ['--scene', street, '--references', at('references.json')];
  const second = await provision([...call, ...scene]);
  t.is(second.code, 0, second.err);
  t.regex(second.err, /same certificate/);
  t.regex(second.out, /scene: the one that was given\nIn force when its program starts anew: .* reboot visits-1/);
  const drawn = await loadConfig(file);
  t.like(drawn.unit, { site: 'North gate' });
  t.is(drawn.references, at('visits', 'current', 'references.json'));
  t.is(await readFile(drawn.scene ?? '', 'utf8'), await readFile(street, 'utf8'));
  t.regex((await unitSays(file)).stdout, /a valid configuration file/);

  const renamed = at('renamed.yaml');
  await writeFile(renamed, (await readFile(street, 'utf8')).replace(/^name: street$/m, 'name: street 2'));
  const refused = await provision([...call, '--scene', renamed]);
  t.is(refused.code, 1);
  t.regex(
    refused.err,
    /the unit refuses: .*is of the scene street, and scene.yaml is called street 2: .*--no-references/,
  );
  t.is((await loadScene(drawn.scene ?? '')).name, 'street');
  const without = await provision([...call, '--scene', renamed, '--no-references']);
  t.is(without.code, 0, without.err);
  const last = await loadConfig(file);
  t.is(last.references, undefined);
  t.is((await loadScene(last.scene ?? '')).name, 'street 2');
});

test.serial('by stick: request, grant, renewal, revocation', async (t) => {
  const unit = ['--identity', at('stick', 'identity'), '--data', at('stick')];
  const request = await provision(['unit', 'request', '--out', at('request.json'), ...unit]);
  t.is(request.code, 0, request.err);
  const { fingerprint } = JSON.parse(await readFile(at('request.json'), 'utf8')).identity;
  const call = [
    'enrol',
    '--request',
    at('request.json'),
    '--grant-out',
    at('grant.json'),
    '--unit',
    'south-1',
    ...['--scene', join(device, 'scene/examples/street.yaml')],
    ...signing,
  ];
  t.is((await provision(call)).code, 2, 'nobody compares');
  t.is((await provision([...call, '--fingerprint', fingerprint])).code, 0);
  const installed = await provision(['unit', 'install', at('grant.json'), ...unit]);
  t.is(installed.code, 0, installed.err);
  t.regex(installed.out, /scene: the one that was given/);
  t.regex(
    (await provision(['unit', 'show', ...unit])).out,
    /enrolled as south-1[\s\S]*under [0-9A-F ]+\nrenewal due.*\nscene: the one/,
  );
  t.is((await provision(['unit', 'renew', '--out', at('renew.json'), ...unit])).code, 0);
  const renewed = await provision(['ca', 'sign', at('renew.json'), '--renew', '--out', at('grant-2.json'), ...signing]);
  t.is(renewed.code, 0, renewed.err);
  t.is((await provision(['unit', 'install', at('grant-2.json'), ...unit])).code, 0);
  const old = await provision(['unit', 'install', at('grant.json'), ...unit]);
  t.is(old.code, 1);
  t.regex(old.err, /refused \(other-key\)[\s\S]*Nothing was changed/);
  const list = JSON.parse((await provision(['ca', 'list', '--json', '--ca', at('ca')])).out);
  t.is(list.certificates.filter(({ name }: { name: string }) => name === 'south-1').length, 2);
  const revoking = ['ca', 'revoke', 'south-1', '--reason', 'key-compromise', '--ca', at('ca')];
  const revoked = await provision([...revoking, '--confirm', 'south-1']);
  t.is(revoked.code, 0, revoked.err);
  t.is(revoked.out.split('\n').filter((line) => line.startsWith('revoked south-1')).length, 2);
  t.is((await provision(['ca', 'crl', ...signing])).code, 0);
  t.like(await openssl('crl', '-in', at('ca', 'crl.pem'), '-noout'), { good: true });
  t.is((await provision(['unit', 'renew', '--out', at('renew-2.json'), ...unit])).code, 0);
  const refused = await provision([
    'ca',
    'sign',
    at('renew-2.json'),
    '--renew',
    '--out',
    at('grant-3.json'),
    ...signing,
  ]);
  t.is(refused.code, 2);
  t.regex(refused.err, /whose certificate is revoked/);
  await t.throwsAsync(stat(at('grant-3.json')));
});

test.serial('somebody on the wire is found by the fingerprint, or by the unit', async (t) => {
  const [unit, thief] = [unitIn('wire'), unitIn('thief')];
  const { fingerprint } = await unit.identity();
  const swapped = await serveUnit(unit, async ({ path }, body) =>
    path === '/enrol/request' ? JSON.stringify(await thief.request()) : body,
  );
  const mixed = await serveUnit(unit, async ({ path }, body) =>
    path === '/enrol/request' ? JSON.stringify({ ...JSON.parse(body), csr: await thief.signingRequest() }) : body,
  );
  t.teardown(() => {
    swapped.close();
    mixed.close();
  });
  for (const { address } of [swapped, mixed]) {
    const said = await provision(['enrol', address, '--unit', 'wire-1', ...signing, '--fingerprint', fingerprint]);
    t.is(said.code, 2);
    t.regex(said.err, /^key-mismatch: /m);
  }
  const list = JSON.parse((await provision(['ca', 'list', '--json', '--ca', at('ca')])).out);
  t.false(
    list.certificates.some(({ name }: { name: string }) => name === 'wire-1'),
    'nothing was signed',
  );
});

test.serial('every wrong call ends with what to do, and changes nothing', async (t) => {
  const unit = unitIn('wrong');
  const page = await serveUnit(unit);
  const closed = await serveUnit(unitIn('closed', { claim: { isOpen: () => false } }));
  const stranger = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
  t.teardown(() => {
    page.close();
    closed.close();
    stranger.close();
  });
  const { fingerprint } = await unit.identity();
  const closedPrint = (await unitIn('closed').identity()).fingerprint;
  const elsewhere = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  await writeFile(at('relative.yaml'), 'scene: ../scene.yaml\n');
  await writeFile(at('odd.yaml'), 'log: {level: shout}\n');
  await writeFile(at('not.yaml'), '- a\n- b\n');
  await writeFile(at('junk'), 'junk\n');
  await writeFile(at('bad-scene.yaml'), 'name: x\npicture: { width: 9, height: 9 }\nlane: []\n');
  await writeFile(at('long.yaml'), `# ${'x'.repeat(256 * 1024)}\n`);
  await writeFile(at('scene.yaml'), 'name: x\npicture: { width: 1920, height: 1080 }\n');
  await writeFile(at('latin-1.yaml'), Buffer.from('# calle Ancha, peat\xf3n\nname: x\n', 'latin1'));
  await writeFile(at('nul.yaml'), 'name: x # \0\n');
  await writeFile(at('of-another.json'), referencesText('y'));
  const enrol = ['enrol', page.address, '--unit', 'wrong-1', '--ca', at('ca'), '--fingerprint', fingerprint];
  const good = [...enrol, '--passphrase-file', at('pass')];
  const entries = async () =>
    JSON.parse((await provision(['ca', 'list', '--json', '--ca', at('ca')])).out).certificates.length;
  const before = (await readFile(at('ca', 'register', '000000000001.journal'))).byteLength;
  const cases: readonly (readonly [string[], number, RegExp])[] = [
    [['enrol', '--unit', 'x', '--ca', at('ca')], 2, /over its address, or by files/],
    [['enrol', 'ftp://x', '--unit', 'x', '--ca', at('ca')], 2, /is no address of a unit/],
    [['enrol', 'http://127.0.0.1:1', '--unit', 'x', ...signing], 1, /link-down: .*\n {2}Check the cable/],
    [['enrol', elsewhere, '--unit', 'x', ...signing], 2, /is no unit that can be enrolled/],
    [['enrol', page.address, '--unit', 'Bad Name', ...signing], 2, /"Bad Name" is not 1 to 63/],
    [['enrol', page.address, '--unit', 'bridge-1', ...signing], 2, /a name of a bridge/],
    [['enrol', page.address, '--unit', 'x', ...signing, '--fingerprint', 'yes'], 2, /neither the last 8 digits/],
    [['enrol', page.address, '--unit', 'x', ...signing, '--fingerprint', '00000000'], 2, /nothing was signed/],
    [[...enrol], 2, /nobody is there to type its passphrase/],
    [[...enrol, '--passphrase-file', at('wrong-pass')], 2, /key-wrong: this passphrase does not open/],
    [[...enrol, '--passphrase-file', at('nowhere')], 2, /passphrase file .* cannot be read/],
    [[...good, '--trust', at('trust.json')], 2, /--trust and --root-key belong together/],
    [[...good, '--trust', at('junk'), '--root-key', at('root.public.pem')], 2, /the trust document cannot be read/],
    [[...good, '--trust', at('trust.json'), '--root-key', at('junk')], 2, /is no public key/],
    [[...good, '--recipients', at('junk')], 2, /is no age recipient/],
    [[...good, '--witnesses', at('junk')], 2, /is no verifier key/],
    [[...good, '--broker-ca', at('junk')], 2, /is no CERTIFICATE in PEM/],
    [[...good, '--broker', 'mqtt://b.example'], 2, /config-invalid: .*cloud.broker/],
    [[...good, '--config', at('relative.yaml')], 2, /relative paths in scene/],
    [[...enrol, '--scene', at('bad-scene.yaml')], 2, /scene-invalid: .*bad-scene.yaml is refused: line 1: .*"lane"/],
    [[...enrol, '--scene', at('long.yaml')], 2, /scene: .*has more than 262144 bytes|scene: Too big/],
    [[...enrol, '--scene', at('latin-1.yaml')], 2, /latin-1\.yaml is no text \(UTF-8\)\n {2}Check --scene/],
    [[...enrol, '--scene', at('nul.yaml')], 2, /nul\.yaml is no text/],
    [[...enrol, '--scene', at('nowhere')], 2, /cannot be read\n {2}Check --scene/],
    [[...enrol, '--references', at('junk')], 2, /junk is not JSON/],
    [[...enrol, '--scene', at('scene.yaml'), '--references', at('of-another.json')], 2, /is of the scene y, and/],
    [[...enrol, '--scene', at('scene.yaml'), '--config', at('first.yaml')], 2, /names a file as `scene`, so the scene/],
    [
      [...enrol, '--references', at('of-another.json'), '--config', at('first.yaml')],
      2,
      /so the references of the grant/,
    ],
    [[...good, '--config', at('odd.yaml')], 2, /config-invalid: .*log.level/],
    [[...good, '--config', at('not.yaml')], 2, /it is no mapping/],
    [[...good, '--config', at('nowhere')], 2, /cannot be read\n {2}Check --config/],
    [['ca', 'sign', at('junk'), '--name', 'x', ...signing], 2, /it is no CERTIFICATE REQUEST/],
    [['ca', 'sign', at('nowhere'), '--name', 'x', ...signing], 2, /whether the stick is mounted/],
    [['ca', 'sign', at('junk'), '--renew', ...signing], 2, /no place to go/],
    [['ca', 'sign', at('junk'), '--renew', '--out', at('x'), ...signing], 2, /request for renewal cannot be read/],
    [['ca', 'list', '--ca', at('nowhere')], 2, /there is no authority/],
    [['ca', 'revoke', 'nobody', '--reason', 'superseded', '--ca', at('ca')], 2, /no certificate has/],
    [['ca', 'revoke', 'nobody', '--reason', 'why not', '--ca', at('ca')], 2, /Allowed choices/],
    [['ca', 'init', '--out', at('ca'), '--passphrase-file', at('pass')], 2, /an authority is never overwritten/],
    [['ca', 'init', '--out', at('ca-9'), '--passphrase-file', at('junk')], 2, /at least 10 characters/],
    [['ca', 'init', '--out', at('ca-9')], 2, /nobody is there to type a passphrase/],
    [['ca', 'crl', '--days', 'x', ...signing], 2, /a number of days/],
    [['ca', 'renew-intermediate', '--root', at('nowhere'), ...signing], 2, /the root's key is not at/],
    [['unit', 'install', at('nowhere'), '--identity', at('wrong')], 2, /cannot be read/],
    [['unit', 'install', at('junk'), '--identity', at('wrong')], 1, /refused \(malformed\)/],
    [['unit', 'renew', '--out', at('x'), '--identity', at('wrong')], 2, /not enrolled yet/],
    [[], 2, /Usage: atalaya-provision/],
  ];
  for (const [args, code, words] of cases) {
    const said = await provision(args);
    t.is(said.code, code, `${args.join(' ')}\n${said.err}`);
    t.regex(said.err, words, args.join(' '));
    t.false(said.err.includes('internal:'));
  }
  t.is(
    (await readFile(at('ca', 'register', '000000000001.journal'))).byteLength,
    before,
    'nothing was signed or revoked',
  );
  t.is((await unit.identity()).enrolled, undefined);
  await t.throwsAsync(stat(at('ca-9')));
  const mistyped = await provision(['ca', 'init', '--out', at('ca-9')], {
    passphrases: [passphrase, `${passphrase}!`],
  });
  t.is(mistyped.code, 2);
  t.regex(mistyped.err, /not the same/);

  const count = await entries();
  const refused = await provision([
    'enrol',
    closed.address,
    '--unit',
    'closed-1',
    ...signing,
    '--fingerprint',
    closedPrint,
  ]);
  t.is(refused.code, 1);
  t.regex(refused.err, /act-refused: the unit refuses: .*switch it off and on again/);
  t.is(await entries(), count + 1, 'it was signed, and is given again');
  const opened = await serveUnit(unitIn('closed'));
  t.teardown(() => opened.close());
  t.regex(
    (await provision(['enrol', opened.address, '--unit', 'closed-1', ...signing, '--fingerprint', closedPrint])).err,
    /same certificate/,
  );
  const taken = await provision([...good.slice(0, 2), '--unit', 'closed-1', ...good.slice(4)]);
  t.is(taken.code, 2);
  t.regex(taken.err, /closed-1 is issued to another key[\s\S]*ca revoke closed-1 --reason superseded/);
  const late = new ManualClock(Date.now() + 2000 * day);
  const expired = await provision(good, { clock: late });
  t.is(expired.code, 1);
  t.regex(expired.err, /authority-expired: .*\n {2}.*renew-intermediate/);
  const lock = await FolderLock.take(at('ca'));
  t.regex((await provision(good)).err, /store-locked: .* is in use by process/);
  await lock.release();
});
