import { execFile, spawn } from 'node:child_process';
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { SqliteArchive } from '../../cloud-bridge/centre/archive/sqlite-archive.ts';
import { makePki } from '../../cloud-bridge/testing/make-pki.ts';
import { startMosquitto } from '../../cloud-bridge/testing/start-mosquitto.ts';
import { systemClock } from '../kernel/clock.ts';
import { until } from '../testing/until.ts';

/** A unit, a broker, a bridge and a person, each with the program that they have: nothing between them is made for the test. */

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const programs = {
  unit: path('device/cli/atalaya-unit.ts'),
  audit: path('device/cli/atalaya-audit.ts'),
  bridge: path('cloud-bridge/cli/atalaya-bridge.ts'),
  fleet: path('cloud-bridge/cli/atalaya-fleet.ts'),
};

function start(program: keyof typeof programs, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [programs[program], ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  // Not at its exit: what it said may come after that.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said, ended };
}

interface Place {
  readonly folder: string;
  readonly broker: { readonly url: string };
  readonly ca: string;
  /** What `atalaya-fleet` prints; fails the test where it does not end well. */
  fleet(...args: readonly string[]): Promise<string>;
  fleetFails(...args: readonly string[]): Promise<string>;
  /** What it says, whichever way it ends. */
  fleetSays(...args: readonly string[]): Promise<string>;
}

async function placeOf(t: ExecutionContext): Promise<Place | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'unit-and-centre-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const pki = await makePki(join(folder, 'pki'));
  const broker = await startMosquitto({ pki });
  if (broker === undefined) return undefined;
  t.teardown(() => broker.stop());
  for (const cn of ['bridge-1', 'north-1']) {
    const { cert, key } = await pki.issue(cn);
    await writeFile(join(folder, `${cn}.pem`), cert);
    await writeFile(join(folder, `${cn}.key`), key, { mode: 0o600 });
  }
  const env = { ATALAYA_BRIDGE: `unix:${join(folder, 'centre/api.sock')}`, ATALAYA_KEY: join(folder, 'ana.pem') };
  const fleetOf = async (args: readonly string[]) => {
    const { said, ended } = start('fleet', args, env);
    return { status: await ended, ...said };
  };
  const at = (name: string) => join(folder, name);
  const fleet = async (...args: readonly string[]) => {
    const { status, out, err } = await fleetOf(args);
    if (status !== 0) throw new Error(`atalaya-fleet ${args.join(' ')} ended with ${status}:\n${out}\n${err}`);
    return out;
  };
  await fleet('new-root', '--out', at('root.pem'));
  await fleet('new-key', '--out', at('ana.pem'));
  await fleet(
    ...['trust', 'add', '--file', at('trust.json'), '--name', 'Ana', '--role', 'supervisor'],
    ...['--public-key', at('ana.public.pem')],
  );
  await fleet('trust', 'sign', '--file', at('trust.json'), '--root', at('root.pem'), '--days', '365');
  await writeFile(
    at('bridge.yaml'),
    `data: centre
broker: { url: '${broker.url}', ca: pki/ca.pem, cert: bridge-1.pem, key: bridge-1.key }
trust: { rootKey: root.public.pem, document: trust.json }
ops: { port: 0 }
`,
  );
  return {
    folder,
    broker,
    ca: pki.ca,
    fleet,
    fleetSays: async (...args) => (await fleetOf(args)).out,
    fleetFails: async (...args) => {
      const { status, out, err } = await fleetOf(args);
      t.not(status, 0, out);
      return `${out}${err}`;
    },
  };
}

async function unitFile({ folder, broker }: Place): Promise<string> {
  const authority = start('audit', ['new-authority', '--out', join(folder, 'authority.txt')]);
  await authority.ended;
  const recipient = /age1[0-9a-z]+/.exec(`${authority.said.out}${authority.said.err}`)?.[0] ?? '';
  const file = join(folder, 'unit.yaml');
  await mkdir(join(folder, 'logs'));
  await writeFile(
    file,
    `unit: { id: north-1, site: North gate }
scene: ${path('device/scene/examples/street.yaml')}
source: { path: ${path('device/capture/street/street.mjpeg')}, pace: timestamps, atEnd: repeat }
plates: { read: false }
evidence: { data: unit, authority: [${recipient}], checkpointEntries: 2, checkpointMinutes: 0.1 }
cloud:
  broker: ${broker.url}
  ca: pki/ca.pem
  cert: north-1.pem
  key: north-1.key
  trust: trust.json
  rootKey: root.public.pem
  telemetryS: 5
log: { folder: logs, level: info }
`,
  );
  return file;
}

/** What was pulled is listed with as many files, and is checked by the very lines that people are told, and by no program of ours. */
async function listedAndChecked(t: ExecutionContext, { folder, fleet }: Place, id: string): Promise<void> {
  const listed = JSON.parse(await fleet('evidence', 'list', 'north-1', '--json')) as {
    readonly infractions: readonly { readonly evidence: string; readonly files: { here: number; all: number } }[];
  };
  const { here, all } = listed.infractions.find(({ evidence }) => evidence === id)?.files ?? { here: 0, all: -1 };
  const pulled = join(folder, 'case', id);
  t.deepEqual([here, all], [all, (await readdir(join(pulled, 'files'))).length + 1]);
  t.regex(await fleet('evidence', 'list'), new RegExp(`${id} `));
  const page = await readFile(path('cloud-bridge/fleet/README.md'), 'utf8');
  const lines = /```sh\ncd .*\n(openssl pkeyutl[\s\S]*?)```/.exec(page)?.[1] ?? 'false';
  await copyFile(join(folder, 'unit/evidence/public/unit.pem'), join(folder, 'unit.pem'));
  const checked = async () =>
    (await run('sh', ['-c', lines], { cwd: pulled }).catch((error: unknown) => error)) as {
      readonly stdout: string;
      readonly stderr: string;
    };
  const good = await checked();
  t.regex(good.stdout, /Signature Verified Successfully/);
  t.is(good.stdout.split(': as signed').length - 1, all, good.stdout);
  t.false(good.stdout.includes('NOT'));
  await appendFile(join(pulled, 'keys'), 'x');
  await appendFile(join(pulled, 'record.json'), ' ');
  const altered = await checked();
  t.regex(altered.stdout, /keys: NOT AS SIGNED/);
  t.notRegex(altered.stdout, /Signature Verified Successfully/);
}

test.serial(
  'a unit and its centre: sealed, archived, cosigned, commanded, pulled, configured, and gone back by itself',
  async (t) => {
    t.timeout(400_000);
    const place = await placeOf(t);
    if (place === undefined) {
      t.log('mosquitto is not installed: passed over');
      t.pass();
      return;
    }
    const { folder, fleet, fleetFails, fleetSays } = place;
    const bridge = start('bridge', ['run', '--config', join(folder, 'bridge.yaml')]);
    t.teardown(() => bridge.child.kill('SIGKILL'));
    await until('the bridge listens', () => bridge.said.out.includes('witness'), 20_000);
    const unit = start('unit', ['run', '--config', await unitFile(place)]);
    t.teardown(() => unit.child.kill('SIGKILL'));
    const status = async () =>
      JSON.parse(await fleet('status', '--json')) as { units: readonly Record<string, unknown>[] };
    try {
      await until('the unit is there', async () => JSON.stringify(await status()).includes('"online":true'), 40_000);

      // A command: authorised, done, answered, written to the unit's own log.
      // Whether the clock of this machine is steered is not the test's to say; that the unit is connected is.
      const tested = await fleetSays('command', 'self-test', 'north-1', '--seal', '--wait');
      t.regex(tested, /north-1 +done +self-test: \d+ checks/);
      t.regex(tested, /passed +broker: The unit is connected/);
      t.regex(tested, /passed +evidence \(north-1-\d{9}\): Entry \d+ is signed, sealed/);
      await fleet('command', 'snapshot', 'north-1', '--out', join(folder, 'pictures'), '--wait');
      const [picture] = await readdir(join(folder, 'pictures'));
      const jpeg = await readFile(join(folder, 'pictures', picture ?? ''));
      t.is(jpeg.subarray(0, 3).toString('hex'), 'ffd8ff');

      // Evidence: sealed on the unit, pulled by a signed command, whole.
      await until('an infraction was sealed', () => unit.said.out.includes('north-1-0000'), 40_000);
      const id = /north-1-\d{9}/.exec(unit.said.out)?.[0] ?? '';
      await fleet('evidence', 'pull', 'north-1', id, '--out', join(folder, 'case'));
      const files = await readdir(join(folder, 'case', id, 'files'));
      t.true(
        files.some((name) => name.endsWith('.age')),
        files.join(' '),
      );

      await listedAndChecked(t, place, id);

      // A document that would cut the unit off: it goes back by itself, and says why.
      const cutting = join(folder, 'cutting.yaml');
      await writeFile(cutting, 'cloud: { broker: mqtts://127.0.0.1:9 }\n');
      const before = JSON.stringify(await status());
      t.true(before.includes('north-1'));
      const refused = await fleetFails(
        ...['config', 'push', 'north-1', '--settings', cutting, '--probation', '0.15', '--yes', '--wait'],
      );
      t.regex(refused, /rolled[- ]back/i);
      t.regex(refused, /broker/);

      // One that changes what is live is in force without a new start, and confirmed.
      const good = join(folder, 'good.yaml');
      await writeFile(good, 'cloud: { telemetryS: 7 }\n');
      t.regex(
        await fleet('config', 'push', 'north-1', '--settings', good, '--probation', '1', '--yes', '--wait'),
        /confirmed/,
      );
      t.regex(await fleet('config', 'history', 'north-1'), /rolled[- ]back/i);
    } finally {
      unit.child.kill('SIGINT');
    }
    t.is(await unit.ended, 0, unit.said.err);
    bridge.child.kill('SIGTERM');
    t.is(await bridge.ended, 0, bridge.said.err);

    // What the unit's ledger has is what the archive has, in order, once; a checkpoint was cosigned.
    const archive = await SqliteArchive.open(join(folder, 'centre', 'archive.sqlite'), { clock: systemClock });
    const events = await archive.events({ unit: 'north-1', lane: 'infraction', order: 'sequence', limit: 1000 });
    const logs = await archive.documents('leaf-edge', 'north-1/');
    await archive.close();
    t.deepEqual(
      events.map(({ sequence }) => sequence),
      events.map((_, i) => i + 1),
    );
    t.true(events.length >= 8, `${events.length} entries`);
    t.true(events.some(({ kind }) => kind === 'infraction'));
    t.true(events.some(({ kind, data }) => kind === 'audit' && JSON.stringify(data).includes('"rolled-back"')));
    t.true(logs.some(({ value }) => (value as { readonly cosigned: readonly unknown[] }).cosigned.length > 0));

    // Nobody who reads the log sees a plate, and a line leads from the frame to the event.
    const [log] = (await readdir(join(folder, 'logs'))).filter((name) => name.startsWith('app-'));
    const lines = (await readFile(join(folder, 'logs', log ?? ''), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const sealed = lines.find(({ msg }) => msg === 'an infraction was sealed');
    t.like(sealed, { unit: 'north-1', part: 'evidence' });
    t.regex(sealed.correlation, /^[0-9a-f]{32}$/);
  },
);
