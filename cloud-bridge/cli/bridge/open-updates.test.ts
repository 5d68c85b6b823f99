import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { explain } from '../../../device/kernel/errors.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { beginRepository } from '../../../ota/repository/begin-repository.ts';
import { publish } from '../../../ota/repository/publish.ts';
import { makeKeyFile, openKeyFile } from '../../../ota/repository/signers/key-files.ts';
import type { MetadataSigner } from '../../../ota/repository/signers/metadata-signer.ts';
import { stageTargets } from '../../../ota/repository/stage-changes.ts';
import { keepStaged, signStaged, stagedIn } from '../../../ota/repository/staged.ts';
import { keepTarget } from '../../../ota/repository/target-files.ts';
import { madeTarget } from '../../../ota/repository/testing/made-publisher.ts';
import { memorySigner } from '../../../ota/repository/testing/memory-signers.ts';
import { BridgeTrial, until } from '../../centre/bridge/testing/bridge-trial.ts';
import { loadBridgeConfig } from './bridge-config.ts';
import { openUpdates } from './open-updates.ts';

const passphrase = 'four words not together';
const files = systemTreeFiles;

/** A publisher's folder with one target, and the director's keys beside it. */
async function published(folder: string) {
  const repository = join(folder, 'repository');
  await mkdir(repository);
  const people = [memorySigner(), memorySigner()];
  const office = { snapshot: memorySigner(), timestamp: memorySigner() };
  const online = new Map<string, MetadataSigner>();
  for (const role of ['targets', 'snapshot', 'timestamp']) {
    const path = join(folder, `${role}.pem`);
    await makeKeyFile(path, 'ed25519', passphrase, randomBytes);
    online.set(role, await openKeyFile(path, async () => passphrase));
  }
  const many = { keys: people.map(({ publicKey }) => publicKey), threshold: 2 };
  const one = (signer: MetadataSigner | undefined) => {
    if (signer === undefined) throw new Error('no key');
    return { keys: [signer.publicKey], threshold: 1 };
  };
  const now = systemClock.utc();
  await beginRepository(
    files,
    repository,
    {
      image: { root: many, targets: many, snapshot: one(office.snapshot), timestamp: one(office.timestamp) },
      director: {
        ...{ root: many, targets: one(online.get('targets')) },
        ...{ snapshot: one(online.get('snapshot')), timestamp: one(online.get('timestamp')) },
      },
    },
    now,
  );
  const sign = async () => {
    const waiting = [
      ['director', 'root'],
      ['image', 'root'],
      ['image', 'targets'],
    ] as const;
    for (const [name, role] of waiting) {
      const staged = await stagedIn(files, repository, name, role);
      if (staged === undefined) continue;
      for (const signer of people) await signStaged(staged, signer);
      await keepStaged(files, repository, staged);
    }
    const lock = async () => ({ release: async () => undefined });
    await publish({ files, folder: repository, signers: [office.snapshot, office.timestamp], lock, now });
  };
  await sign();
  const { target, bytes } = madeTarget('unit-1.2.0-r2-x64.tar.zst', 2);
  await writeFile(join(folder, 'bundle'), bytes);
  await keepTarget(files, repository, target, join(folder, 'bundle'));
  await stageTargets(files, repository, { add: [target], remove: [] }, now);
  await sign();
  return { target, bytes };
}

const keys = 'keys: { targets: targets.pem, snapshot: snapshot.pem, timestamp: timestamp.pem }';

test('a unit is given an update by the repository that the configuration names, and fetches what is signed for it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-updates-'));
  const trial = new BridgeTrial();
  t.teardown(async () => {
    await trial.end();
    await rm(folder, { recursive: true, force: true });
  });
  const { target, bytes } = await published(folder);
  await writeFile(join(folder, 'passphrase'), `${passphrase}\n`);
  await writeFile(
    join(folder, 'bridge.yaml'),
    `updates: { repository: repository, ${keys}, passphraseFile: passphrase }\n`,
  );
  const config = await loadBridgeConfig(join(folder, 'bridge.yaml'));
  const updates = await openUpdates(config, systemClock);
  const { bridge } = await trial.bridge({ updates });
  t.deepEqual(
    (await bridge.updates.targets()).map((one) => one.target),
    [target.target],
  );
  const unit = await trial.unit('north-1');
  await unit.say('versions', {}, unit.versions());
  await until('it is believed', async () => (await bridge.updates.standing('north-1'))?.report?.verdict === 'good');
  const order = { targets: [target.target], expires: new Date(systemClock.utc() + 86_400_000).toISOString() };
  const given = await bridge.updates.give('north-1', order, { by: 'Ana' });
  if (given.kind === 'refused') return t.fail(given.reason);
  await until('the unit is told', () => unit.hints.length === 1);
  const fetched = async (file: string) => {
    const before = unit.streamed.length;
    const get = { id: `stream${String(before).padStart(4, '0')}`, file, size: 65_536, from: 0, count: 1 };
    await unit.say('streamGet', {}, get);
    await until(file, () => unit.streamed.length > before);
    return unit.streamed.at(-1) ?? Buffer.alloc(0);
  };
  const timestamp = JSON.parse((await fetched('director/timestamp.json')).toString());
  const { version } = timestamp.signed.meta['snapshot.json'];
  const snapshot = JSON.parse((await fetched(`director/${version}.snapshot.json`)).toString());
  const number = snapshot.signed.meta['targets.json'].version;
  const targets = JSON.parse((await fetched(`director/${number}.targets.json`)).toString());
  t.is(targets.signed.atalaya.job.id, given.job.job.id);
  t.is(targets.signed.atalaya.unit, 'north-1');
  t.deepEqual(await fetched(`targets/${target.sha256}.${target.target}`), bytes);
  // What another unit is to become is none of its business.
  const other = await trial.unit('north-2');
  await other.say(
    'streamGet',
    {},
    { id: 'streamother', file: 'director/timestamp.json', size: 4096, from: 0, count: 0 },
  );
  await until('it is answered', () => other.answers.length === 1);
  t.is(other.answers[0]?.refused, 'absent');
  await bridge.updates.refresh();
  const late = await bridge.updates.give('north-1', { ...order, expires: '2020-01-01T00:00:00Z' }, { by: 'Ana' });
  t.regex(late.kind === 'given' ? (late.job.refused ?? '') : '', /is over already/);
});

test('what the director cannot work with is told at the start', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-updates-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await published(folder);
  const fault = async (more: string): Promise<string> => {
    await writeFile(join(folder, 'bridge.yaml'), `updates: { ${more} }\n`);
    const config = await loadBridgeConfig(join(folder, 'bridge.yaml'));
    return explain(await t.throwsAsync(openUpdates(config, systemClock)));
  };
  t.regex(await fault(`repository: repository, ${keys}`), /key-wrong: .*passphrase.*\n.*updates\.passphraseFile/);
  const named = 'passphraseFile: passphrase';
  t.regex(await fault(`repository: repository, ${keys}, ${named}`), /key-missing: .*passphrase does not exist/);
  await writeFile(join(folder, 'passphrase'), passphrase);
  await chmod(join(folder, 'passphrase'), 0o600);
  t.regex(await fault(`repository: nowhere, ${keys}, ${named}`), /nowhere/);
  const swapped = 'keys: { targets: snapshot.pem, snapshot: snapshot.pem, timestamp: timestamp.pem }';
  t.regex(
    await fault(`repository: repository, ${swapped}, ${named}`),
    /key-missing: .*does not take targets by the key/,
  );
  const none = await openUpdates({ updates: undefined }, systemClock);
  t.is(none.director, undefined);
});
