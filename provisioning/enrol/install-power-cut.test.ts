import test from 'ava';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { MemoryFiles, type Operation } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import type { Authority } from '../ca/authority.ts';
import { readUnitKey } from '../identity/unit-keys.ts';
import { LinkingFiles } from '../testing/linking-files.ts';
import { madeAuthority, testTools } from '../testing/made-authority.ts';
import { grantFor, madeUnit, unitFolder } from '../testing/made-unit.ts';
import { certificatesIn, fingerprintOfCertificate } from './read-chain.ts';

const newAuthority = () => madeAuthority('/ca', testTools(new ManualClock(Date.now()), new LinkingFiles()));
const unitOn = (files: LinkingFiles) => madeUnit(files, { sceneFault: () => undefined });
const sceneOf = (site: string) => ({ site, scene: `name: ${site}\n`, references: `{"scene":"${site}"}\n` });
const textOf = (grant: unknown) => `${JSON.stringify(grant)}\n`;

/** All the files of one grant, or none: which version, and whether key, certificate and the rest are of one piece. */
async function inForce(memory: MemoryFiles): Promise<number | undefined> {
  const files = new LinkingFiles(memory);
  const { enrolled } = await unitOn(files).identity();
  if (enrolled === undefined) return undefined;
  const read = async (name: string) => (await readWholeFile(files, `${unitFolder}/current/${name}`))?.toString() ?? '';
  const [certificate] = certificatesIn(await read('unit.pem'));
  if (certificate === undefined) throw new Error('no certificate');
  const key = readUnitKey(await read('unit.key'), 'unit.key');
  if (fingerprintOfCertificate(certificate) !== key.fingerprint)
    throw new Error('certificate and key are not of one piece');
  if (certificate.serialNumber.toLowerCase() !== enrolled.certificate) throw new Error('another certificate');
  const grant = JSON.parse(await read('grant.json'));
  if (grant.version !== enrolled.version) throw new Error('another grant');
  if (!(await read('unit.yaml')).includes(`site: ${grant.site}`)) throw new Error('another configuration');
  if (grant.scene !== (await read('scene.yaml'))) throw new Error('another scene');
  if (grant.references !== (await read('references.json'))) throw new Error('other references');
  if (grant.authorities !== (await read('ca.pem'))) throw new Error('another authority');
  return enrolled.version;
}

interface Laid {
  readonly memory: MemoryFiles;
  /** Puts the next grant in place. */
  readonly work: (memory: MemoryFiles) => Promise<unknown>;
  /** Versions that may be found afterwards. */
  readonly found: readonly (number | undefined)[];
}

async function cutEverywhere(
  lay: () => Promise<Laid>,
): Promise<{ readonly steps: number; readonly seen: Set<number | undefined> }> {
  const seen = new Set<number | undefined>();
  for (let at = 0; ; at += 1) {
    const { memory, work, found } = await lay();
    const begun = memory.operations;
    let cut: Operation | undefined;
    memory.plan = (operation) => {
      if (operation.number - begun !== at) return undefined;
      cut = operation;
      return 'power-cut';
    };
    const said = await work(memory).then(
      () => true,
      () => false,
    );
    if (cut === undefined) return { steps: at, seen };
    for (const seed of [1, 2, 3, 4]) {
      const after = memory.survivors(seededRandom(seed * 1000 + at));
      const version = await inForce(after);
      const where = `${cut.kind} ${cut.path}`;
      if (!found.includes(version)) throw new Error(`version ${version} after a cut at ${where}`);
      if (said && version !== found.at(-1)) throw new Error(`said to be installed, and lost at ${where}`);
      seen.add(version);
      // What was cut is made good by doing it again.
      await work(after);
      if ((await inForce(after)) !== found.at(-1)) throw new Error(`not made good after a cut at ${where}`);
    }
  }
}

async function firstGrant(authority: Authority, memory: MemoryFiles): Promise<string> {
  const unit = unitOn(new LinkingFiles(memory));
  const grant = await grantFor(authority, await unit.signingRequest(), { parts: sceneOf('First') });
  return textOf(grant);
}

test('a first grant that is cut anywhere is in force whole or not at all', async (t) => {
  const authority = await newAuthority();
  const base = new MemoryFiles();
  const text = await firstGrant(authority, base);
  const { version } = JSON.parse(text);
  const { steps, seen } = await cutEverywhere(async () => ({
    memory: base.survivors(() => 0.99),
    work: async (memory) => {
      const outcome = await unitOn(new LinkingFiles(memory)).install(text);
      if (outcome.kind !== 'installed') throw new Error(outcome.detail);
    },
    found: [undefined, version],
  }));
  t.true(steps > 30, `${steps} steps`);
  t.deepEqual([...seen], [undefined, version]);
});

test('a renewal that is cut anywhere leaves the old grant or the new one, with its own key', async (t) => {
  const authority = await newAuthority();
  const base = new MemoryFiles();
  const first = await firstGrant(authority, base);
  const unit = unitOn(new LinkingFiles(base));
  await unit.install(first);
  const asked = await unit.renewalRequest();
  const next = await grantFor(authority, asked.csr, {
    enrolled: asked.enrolled,
    renews: true,
    parts: sceneOf('Second'),
  });
  const { steps, seen } = await cutEverywhere(async () => ({
    memory: base.survivors(() => 0.99),
    work: async (memory) => {
      const outcome = await unitOn(new LinkingFiles(memory)).install(textOf(next));
      if (outcome.kind !== 'installed') throw new Error(outcome.detail);
    },
    found: [JSON.parse(first).version, next.version],
  }));
  t.true(steps > 30, `${steps} steps`);
  t.is(seen.size, 2);
});

test('the making of the key is cut: there is none, and another one is made, or the whole one', async (t) => {
  for (let at = 0; ; at += 1) {
    const memory = new MemoryFiles();
    let cut = false;
    memory.plan = ({ number }) => {
      cut ||= number === at;
      return number === at ? 'power-cut' : undefined;
    };
    const said = await madeUnit(new LinkingFiles(memory))
      .identity()
      .then(
        ({ fingerprint }) => fingerprint,
        () => undefined,
      );
    if (!cut) {
      t.true(at > 6);
      return;
    }
    const after = new LinkingFiles(memory.survivors(seededRandom(at)));
    const { fingerprint } = await madeUnit(after).identity();
    if (said !== undefined) t.is(fingerprint, said, 'a key that was shown is not lost');
    t.is((await madeUnit(after).identity()).fingerprint, fingerprint);
  }
});

test('a full or read-only disk: the old grant stays, and the reason is told', async (t) => {
  const authority = await newAuthority();
  const memory = new MemoryFiles();
  const first = await firstGrant(authority, memory);
  const unit = unitOn(new LinkingFiles(memory));
  for (const [code, told] of [
    ['ENOSPC', 'store-full'],
    ['EROFS', 'store-failed'],
  ] as const) {
    memory.plan = ({ kind }) => (kind === 'write' || kind === 'makeFolder' ? { code } : undefined);
    t.like(await t.throwsAsync(unit.install(first)), { code: told });
    memory.plan = () => undefined;
    t.is(await inForce(memory), undefined);
  }
  t.like(await unit.install(first), { kind: 'installed' });
});
