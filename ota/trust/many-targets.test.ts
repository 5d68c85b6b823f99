import test from 'ava';
import { longestMetadata, mostTargets } from '../contract/repository.ts';
import { targetEntry, two } from './testing/made-repositories.ts';
import { preparedUnit } from './testing/made-unit.ts';

/** The longest time, ms, in which nothing else ran. */
async function blockedBy(work: () => Promise<unknown>): Promise<number> {
  let [last, longest] = [performance.now(), 0];
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 5);
  try {
    await work();
    look();
    return longest;
  } finally {
    clearInterval(timer);
  }
}

test('targets that nobody signed, as many as fit, hold the unit up for less than a second', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { kind: 'verified' });
  // The timestamp and the snapshot of a genuine next job; whoever holds the link has no key, and gives other bytes for its targets.
  made.assign([two]);
  const hash = '0'.repeat(64);
  const entries = Array.from(
    { length: 9900 },
    (_, i) => `"${i.toString(36)}":{"length":0,"hashes":{"sha256":"${hash}"}}`,
  );
  const signed = `{"_type":"targets","spec_version":"1.0.31","version":2,"expires":"2030-01-01T00:00:00Z","targets":{${entries.join(',')}}}`;
  const bytes = Buffer.from(`{"signatures":[],"signed":${signed}}`);
  t.true(bytes.byteLength <= longestMetadata.targets);
  made.source.answer = (path) => (/^director\/\d+\.targets\.json$/.test(path) ? { bytes } : undefined);
  const longest = await blockedBy(async () =>
    t.like(await keeper.check(made.source), { kind: 'refused', code: 'metadata-malformed' }),
  );
  t.true(longest < 1000, `${Math.round(longest)} ms`);
});

test('as many targets as a repository may have are read, and hold the unit up for less than two seconds', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  for (let i = made.image.targets.size; i < mostTargets; i += 1) made.image.targets.set(`more-${i}`, targetEntry(two));
  made.image.publish();
  const keeper = await unit.open();
  const longest = await blockedBy(async () => t.like(await keeper.check(made.source), { kind: 'verified' }));
  t.log(`${Math.round(longest)} ms`);
  t.true(longest < 2000, `${Math.round(longest)} ms`);
});
