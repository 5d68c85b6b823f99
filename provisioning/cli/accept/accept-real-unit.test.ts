import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Session } from '../../../cloud-bridge/cli/fleet/session.ts';
import { silentIo } from '../../../cloud-bridge/cli/fleet/testing/silent-io.ts';
import { makePersonKey, signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { makePki } from '../../../cloud-bridge/testing/make-pki.ts';
import { startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import { makeStandIns } from '../../../device/capture/process/testing/stand-ins.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { provision } from '../../testing/program-call.ts';
import { FleetUnit, requireAccepting } from './fleet-unit.ts';
import { stored } from './testing/accept-files.ts';

/** A unit, a broker and a bridge, each with the program that they have; a person accepts through them. */

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** A program as a process; it ends with the test. Returns what it has said so far. */
function start(t: ExecutionContext, program: string, args: readonly string[], searched?: string): () => string {
  const env = searched === undefined ? process.env : { ...process.env, PATH: searched };
  const child = spawn(process.execPath, [path(program), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)));
  t.teardown(() => child.kill('SIGKILL'));
  return () => said.join('');
}

async function until(what: string, holds: () => Promise<boolean> | boolean, most = 150_000): Promise<void> {
  const end = performance.now() + most;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${most} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('a real unit through a real centre: what it sealed for its acceptance is verified there', async (t) => {
  t.timeout(400_000);
  const folder = await mkdtemp(join(tmpdir(), 'accept-real-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string) => join(folder, name);
  const pki = await makePki(at('pki'));
  const broker = await startMosquitto({ pki });
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => broker.stop());
  for (const cn of ['bridge-1', 'north-1']) {
    const { cert, key } = await pki.issue(cn);
    await writeFile(at(`${cn}.pem`), cert);
    await writeFile(at(`${cn}.key`), key, { mode: 0o600 });
  }
  const [root, ana, tom] = [makePersonKey(), makePersonKey(), makePersonKey()];
  const trust = {
    ...{ schema: 'atalaya/trust/1', version: 1, issued: '2026-01-01T00:00:00Z' },
    people: [
      { name: 'Ana', role: 'auditor', publicKey: ana.publicPem },
      { name: 'Tom', role: 'technician', publicKey: tom.publicPem },
    ],
  };
  await writeFile(at('trust.json'), JSON.stringify(await signDocument(trust, signerOf(root.privatePem))));
  await writeFile(at('root.public.pem'), root.publicPem);
  await writeFile(at('ana.pem'), ana.privatePem, { mode: 0o600 });
  await writeFile(at('tom.pem'), tom.privatePem, { mode: 0o600 });
  const audit = await run(process.execPath, [
    path('device/cli/atalaya-audit.ts'),
    'new-authority',
    '--out',
    at('authority.txt'),
  ]);
  const recipient = /age1[0-9a-z]+/.exec(`${audit.stdout}${audit.stderr}`)?.[0] ?? '';
  await mkdir(at('logs'));
  await writeFile(
    at('bridge.yaml'),
    `data: centre
broker: { url: '${broker.url}', ca: pki/ca.pem, cert: bridge-1.pem, key: bridge-1.key }
trust: { rootKey: root.public.pem, document: trust.json }
ops: { port: 0 }
`,
  );
  await writeFile(
    at('unit.yaml'),
    `unit: { id: north-1, site: North gate }
scene: ${path('device/scene/examples/street.yaml')}
source: { camera: { kind: rpicam-vid, width: 1920, height: 1080, rate: 5 } }
plates: { read: false }
evidence: { data: unit, authority: [${recipient}], checkpointEntries: 2, checkpointMinutes: 0.1 }
cloud: { broker: '${broker.url}', ca: pki/ca.pem, cert: north-1.pem, key: north-1.key, trust: trust.json, rootKey: root.public.pem }
log: { folder: logs, level: info }
`,
  );
  const bridge = start(t, 'cloud-bridge/cli/atalaya-bridge.ts', ['run', '--config', at('bridge.yaml')]);
  await until('the bridge listens', () => bridge().includes('witness'));
  const { path: searched } = await makeStandIns(['rpicam-vid'], [{}], path('device/capture/street/street.mjpeg'));
  const unit = start(t, 'device/cli/atalaya-unit.ts', ['run', '--config', at('unit.yaml')], searched);
  await until('the unit is connected', () => unit().includes('link: connected'));

  const out = at('out');
  const bridgeAt = `unix:${at('centre/api.sock')}`;
  const keys = ['--key', at('tom.pem'), '--reader', at('ana.pem')];
  const call = ['accept', 'north-1', '--bridge', bridgeAt, ...keys, '--out', out];
  let said = await provision(call);
  const decided = () => existsSync(join(out, 'acceptance.json'));
  // A centre that has just begun has not heard of the unit yet; each call goes on where the one before has ended.
  for (let calls = 1; !decided() && calls < 6; calls += 1) {
    t.log(said.err);
    await sleep(2000);
    said = await provision(call);
  }
  t.true(decided(), said.err);
  // Nobody is there to be asked, so it is never accepted; whether this machine is fit for service depends on the machine.
  const document = await stored(out);
  t.is(said.code, 1);
  t.is(document.outcome, document.faults.length === 0 ? 'incomplete' : 'refused', said.err);
  t.like(document, { test: { unit: 'north-1', site: 'North gate', asked: 'command' }, clockAheadS: 0 });
  t.is(document.test.scene?.name, 'street');
  const verifying = ['--trust', at('trust.json'), '--root-key', at('root.public.pem')];
  const holds = await provision(['accept', 'verify', out, ...verifying]);
  t.is(holds.code, 0, holds.out);

  const io = { ...silentIo, clock: systemClock, timer: systemTimer, newId: randomUUID };
  const opened = async (key: string) => {
    const session = await Session.open(io, { bridge: bridgeAt, key: at(key) });
    t.teardown(() => session.client.close());
    return session;
  };
  const [session, reader] = [await opened('tom.pem'), await opened('ana.pem')];
  t.like(await requireAccepting(session, 'north-1'), { name: 'Tom', role: 'technician', reads: false });
  const waits = { unit: 'north-1', waitS: 120, evidenceWaitS: 120, evidenceKey: undefined };
  const tested = new FleetUnit(session, reader, waits);
  t.true((await tested.snapshot()).byteLength > 10_000);
  const { evidence } = await tested.selfTest({ seal: true });
  if (evidence === undefined) return t.fail('nothing was sealed');
  const proof = await tested.prove(evidence);
  t.like(proof, { ...evidence, outcome: 'proven', inclusion: 'proven' }, proof.says);
  const word = await new FleetUnit(session, undefined, waits).prove(evidence);
  t.like(word, { outcome: 'archived', signer: proof.signer, record: null }, word.says);
  const another = await tested.prove({ ...evidence, id: 'north-1-000000001' });
  t.regex(another.says, /which is not the id of entry/);
});
