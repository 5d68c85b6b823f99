import test from 'ava';
import { listIfThere } from '../../device/kernel/files.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { makeUnitKey } from '../identity/unit-keys.ts';
import { LinkingFiles } from '../testing/linking-files.ts';
import { madeAuthority, testTools } from '../testing/made-authority.ts';
import { grantFor, madeUnit, unitFolder } from '../testing/made-unit.ts';

interface Laid {
  readonly memory: MemoryFiles;
  /** Of the key in force. */
  readonly key: string;
  readonly version: number | undefined;
}

/** A unit with two generations, the key of a renewal under way, and an older key that an installation has left. */
async function laid(): Promise<Laid> {
  const memory = new MemoryFiles();
  const files = new LinkingFiles(memory);
  const unit = madeUnit(files);
  const authority = await madeAuthority('/ca', testTools(new ManualClock(Date.now()), new LinkingFiles()));
  await unit.install(JSON.stringify(await grantFor(authority, await unit.signingRequest())));
  const asked = await unit.renewalRequest();
  const next = await grantFor(authority, asked.csr, { enrolled: asked.enrolled, renews: true });
  await unit.install(JSON.stringify(next));
  await unit.renewalRequest();
  const left = await files.open(`${unitFolder}/unit.key`, 'create');
  await left.write([Buffer.from(makeUnitKey().pem)], 0);
  await left.sync();
  await left.close();
  await files.syncFolder(unitFolder);
  const { fingerprint, enrolled } = await unit.identity();
  return { memory, key: fingerprint, version: enrolled?.version };
}

/** A unit that was shown its key, and not enrolled. */
async function born(): Promise<Laid> {
  const memory = new MemoryFiles();
  const { fingerprint } = await madeUnit(new LinkingFiles(memory)).identity();
  return { memory, key: fingerprint, version: undefined };
}

for (const [what, lay] of [
  ['an enrolled unit', laid],
  ['a unit that is not enrolled yet', born],
] as const) {
  test(`the wipe of ${what} is cut anywhere: all of the old identity is there, or none of it`, async (t) => {
    const { memory: base, key, version } = await lay();
    const seen = new Set<boolean>();
    let steps = 0;
    for (let cut = true; cut; steps += 1) {
      const memory = base.survivors(() => 0.99);
      const begun = memory.operations;
      cut = false;
      memory.plan = ({ number }) => {
        cut ||= number - begun === steps;
        return number - begun === steps ? 'power-cut' : undefined;
      };
      const said = await madeUnit(new LinkingFiles(memory))
        .wipe()
        .catch(() => undefined);
      t.is(said, cut ? undefined : true);
      memory.plan = () => undefined;
      for (const seed of cut ? [1, 2, 3] : [1]) {
        const files = new LinkingFiles(memory.survivors(seededRandom(seed * 1000 + steps)));
        const unit = madeUnit(files);
        const { fingerprint, enrolled } = await unit.identity();
        const old = fingerprint === key;
        seen.add(old);
        t.is(enrolled?.version, old ? version : undefined, `step ${steps}`);
        if (!cut) t.false(old, 'what was said to be wiped is gone');
        if (old) continue;
        t.is(await unit.generationBefore(), undefined);
        t.deepEqual(await listIfThere(files, `${unitFolder}/generations`), [], 'no key of the old identity is left');
      }
    }
    t.true(steps > 5);
    t.is(seen.size, 2);
  });
}
