import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { trustSchemaId } from '../../../cloud-bridge/contract/acts.ts';
import { openTrust } from '../../../cloud-bridge/contract/people.ts';
import { makePersonKey, signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { ConfigKeeper } from '../../config/desired/config-keeper.ts';
import { facts, signedDesired } from '../../config/desired/testing/signed.ts';
import { loadConfig } from '../../config/load-config.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { publicKeyOf } from '../../kernel/signed/key-id.ts';
import { signDocument } from '../../kernel/signed/sign-document.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { addConfigCommands, configFolder } from './config.ts';

const root = makePersonKey();
const ana = makePersonKey();
const signer = signerOf(ana.privatePem);
const now = Date.now();

/** A unit's folder with two confirmed documents and one that was refused. */
async function unitFolder(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'unit-config-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const trust = await signDocument(
    {
      schema: trustSchemaId,
      version: 1,
      issued: '2026-01-01T00:00:00Z',
      people: [{ name: 'Ana', role: 'supervisor', publicKey: ana.publicPem }],
    },
    signerOf(root.privatePem),
  );
  await writeFile(join(folder, 'trust.json'), JSON.stringify(trust));
  await writeFile(join(folder, 'root.pem'), root.publicPem);
  const config = join(folder, 'unit.yaml');
  await writeFile(
    config,
    'unit: { id: unit-7 }\nevidence: { data: run }\ncloud: { trust: trust.json, rootKey: root.pem }\n',
  );
  const base = await loadConfig(config);
  const at = { utc: utcMilliseconds(now), reliable: true };
  const people = openTrust(JSON.stringify(trust), publicKeyOf(root.publicPem, 'root'), at);
  const clock = new ManualClock(now);
  const open = () =>
    ConfigKeeper.open({
      folder: configFolder(base.evidence.data),
      files: systemFiles,
      base,
      facts,
      people: () => people,
      clock,
      timer: clock,
      apply: async () => {},
      probe: () => ({ brokerReached: true, framesSeen: true, evidenceSealed: true }),
      prove: async () => {},
      report: () => {},
      audit: async () => {},
      problem: (fault) => t.fail(fault.message),
    });
  const keeper = await open();
  for (const [onMs, version] of [
    [1111, 1],
    [2222, 2],
    [0, 3],
  ] as const) {
    await keeper.desired(await signedDesired({ signal: { beacon: { onMs } } }, version, signer, { issued: issued() }));
    await keeper.tick();
  }
  await keeper.close();
  return { folder, config, open };
}

const issued = () => new Date(now - 60_000).toISOString();

async function call(...words: string[]): Promise<string> {
  const lines: string[] = [];
  const program = new Command('atalaya-unit').exitOverride();
  addConfigCommands(program, (line) => lines.push(line));
  try {
    await program.parseAsync(['config', ...words], { from: 'user' });
  } catch (error) {
    if (!isAtalayaError(error)) throw error;
    lines.push(`${error.code}: ${error.message}`);
  }
  return lines.join('\n');
}

test('show, history and diff tell what is in force and why', async (t) => {
  const { config } = await unitFolder(t);
  t.regex(await call('show', '--config', config), /^# version 2 \(confirmed\), of Ana\n[\s\S]*onMs: 2222/);
  t.regex(await call('show', '0', '--config', config), /^# the unit's own file\n[\s\S]*onMs: 5000/);
  const past = await call('history', '--config', config);
  t.regex(past, /^\* +2 {2}confirmed .* Ana \(supervisor\)/);
  t.regex(past, /3 {2}refused .*\n +out-of-bounds: signal\.beacon\.onMs/);
  t.regex(await call('diff', '--config', config), /signal\.beacon\.onMs\n {2}- 5000\n {2}\+ 2222$/);
  t.regex(await call('diff', '1', '2', '--config', config), /signal\.beacon\.onMs\n {2}- 1111\n {2}\+ 2222$/);
  t.regex(await call('diff', '7', '--config', config), /^usage-invalid: version 7 is not among those/);
  t.is(JSON.parse(await call('history', '--json', '--config', config)).inForce, 2);
});

test('rollback of a unit that does not run is done when it starts; of one that runs, at once', async (t) => {
  const { config, open } = await unitFolder(t);
  t.regex(await call('rollback', '--config', config, '--wait', '0'), /goes back when it starts$/);
  const keeper = await open();
  t.is(keeper.effective().signal.beacon.onMs, 1111);
  const running = new AbortController();
  const work = (async () => {
    while (!running.signal.aborted) {
      await keeper.tick();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  t.is(await call('rollback', '--config', config, '--to', '0'), "the unit's own file is in force");
  t.regex(await call('rollback', '--config', config, '--to', '9'), /^usage-invalid: version 9 is none/);
  running.abort();
  await work;
  t.is(keeper.effective().signal.beacon.onMs, 5000);
});

test('check tells of a file and of a document what the unit would', async (t) => {
  const { folder, config } = await unitFolder(t);
  t.is(await call('check', config, '--config', config), 'a valid configuration file');
  const path = join(folder, 'document.json');
  const write = async (settings: Parameters<typeof signedDesired>[0]) =>
    writeFile(path, await signedDesired(settings, 4, signer, { issued: issued() }));
  await write({ detector: { threads: 1 }, flags: { strobe: false } });
  t.deepEqual((await call('check', path, '--config', config)).split('\n'), [
    'version 4 fits, signed by Ana (supervisor)',
    'it changes detector.threads, signal.beacon.onMs, flags.strobe',
    'applied by a start',
  ]);
  await write({ log: { level: 'loud' }, evidence: { data: '/tmp' } });
  const refused = await call('check', path, '--config', config);
  t.regex(refused, /^document-refused: .*\n {2}field-unit-only: evidence\.data.*\n {2}not-a-choice: log\.level/);
  t.regex(await call('check', path), /no-trust/);
});

test('schema is the JSON Schema that the documents of this project are checked by', async (t) => {
  const schema = JSON.parse(await call('schema'));
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  t.true(validate({ unit: { id: 'unit-7' }, flags: { strobe: false } }));
  t.false(validate({ flags: { strobes: false } }));
});
