import test from 'ava';
import fc from 'fast-check';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles, type Operation } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import type { Lane, OutboxEvent } from '../../contract/outbox.ts';
import { Spool, type SpoolOptions } from './spool.ts';
import { alertEvent, countEvent } from './testing/sample-events.ts';

const folder = '/data/spool';
/** What leaves the medium as it was: a cut before it is one before the next operation. */
const looks: ReadonlySet<Operation['kind']> = new Set(['read', 'list', 'space']);

interface Scene {
  readonly lane: Lane;
  readonly mostBytes?: number;
  readonly event: (number: number) => OutboxEvent;
}

const scenes: Readonly<Record<string, Scene>> = {
  'an unbounded lane': { lane: 'alert', event: (number) => alertEvent(number, 900) },
  'a bounded lane of telemetry': { lane: 'telemetry', mostBytes: 16_000, event: (number) => countEvent(number, 300) },
};

const optionsOf = (files: MemoryFiles, { lane, mostBytes }: Scene, seed: number): SpoolOptions => ({
  files,
  lane,
  ...(mostBytes === undefined ? {} : { mostBytes }),
  random: seededRandom(seed),
  clock: new ManualClock(),
});

/** What the world outside knows: events whose offer has resolved, and marks that the centre has told. */
interface Known {
  readonly acknowledged: Map<number, number>;
  mark: number;
  stream: string | undefined;
}

/** Offers, one or several at a time, and forgets: until it is done or the power goes. */
async function work(spool: Spool, scene: Scene, known: Known): Promise<void> {
  let number = known.acknowledged.size;
  for (let round = 1; round <= 15; round += 1) {
    const offers = Array.from({ length: 1 + (round % 5) * 3 }, async () => {
      number += 1;
      const own = number;
      const sequence = await spool.offer(scene.event(own));
      known.acknowledged.set(sequence, own);
      known.stream = spool.stream;
    });
    const outcomes = await Promise.allSettled(offers);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (round % 3 === 0) {
      known.mark = Math.max(known.mark, spool.last - 6);
      await spool.forget(known.mark);
    }
  }
}

/** Holds what a start finds against what was promised; returns how much was dropped. */
async function check(files: MemoryFiles, scene: Scene, known: Known): Promise<number> {
  const spool = await Spool.open(folder, optionsOf(files, scene, 99));
  const found = new Map<number, { readonly previous: number; readonly data: string }>();
  for await (const { sequence, previous, data } of spool.read(1))
    found.set(sequence, { previous, data: JSON.stringify(data) });
  const wrong = (what: string) =>
    new Error(`${what}: ${JSON.stringify({ found: [...found.keys()], known: known.mark })}`);
  if (known.stream !== undefined && spool.stream !== known.stream) throw wrong('another stream');
  if (spool.forgotten > known.mark) throw wrong('forgot what was not acknowledged');
  let [, reach] = [0, spool.forgotten];
  for (const [sequence, { previous }] of found) {
    if (sequence <= spool.forgotten) continue;
    // Everything from the mark on is linked, one to the next, except over what the bound dropped.
    if (previous !== reach) throw wrong(`${sequence} is linked to ${previous}, not ${reach}`);
    reach = sequence;
  }
  for (const [sequence, number] of known.acknowledged) {
    if (sequence <= known.mark) continue;
    const event = found.get(sequence);
    const declared = [...found].some(([later, { previous }]) => previous < sequence && sequence < later);
    if (event === undefined && (scene.mostBytes === undefined || !declared)) throw wrong(`${sequence} is lost`);
    if (event !== undefined && event.data !== canonical(scene.event(number))) throw wrong(`${sequence} is another`);
  }
  const next = await spool.offer(scene.event(1));
  if (known.acknowledged.has(next) || found.has(next) || next <= known.mark) throw wrong(`${next} is given twice`);
  await spool.close();
  return spool.dropped;
}

const canonical = ({ data }: OutboxEvent) =>
  JSON.stringify(Object.fromEntries(Object.entries(data as object).sort(([a], [b]) => (a < b ? -1 : 1))));

for (const [name, scene] of Object.entries(scenes)) {
  test(`${name}: the power is cut before each operation in turn, and what was offered is there, or declared`, async (t) => {
    let cuts = 0;
    let drops = 0;
    for (;;) {
      const files = new MemoryFiles();
      const known: Known = { acknowledged: new Map(), mark: 0, stream: undefined };
      let left = cuts;
      files.plan = ({ kind }) => {
        if (left < 0 || looks.has(kind)) return undefined;
        left -= 1;
        return left < 0 ? 'power-cut' : undefined;
      };
      try {
        const spool = await Spool.open(folder, optionsOf(files, scene, 1));
        await work(spool, scene, known);
        await spool.close();
      } catch (error) {
        if (!isAtalayaError(error, 'store-failed')) throw error;
      }
      if (left >= 0) break;
      cuts += 1;
      drops += await check(files.survivors(seededRandom(cuts)), scene, known);
    }
    t.true(cuts > 40, String(cuts));
    t.is(drops > 0, scene.mostBytes !== undefined);
    t.log(`${cuts} operations, ${drops} events dropped`);
  });

  test(`${name}: cut anywhere, again while it opens, and again`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(120), { minLength: 1, maxLength: 4 }), fc.integer(), async (cuts, seed) => {
        const known: Known = { acknowledged: new Map(), mark: 0, stream: undefined };
        const random = seededRandom(seed);
        let files = new MemoryFiles();
        for (const [round, cut] of cuts.entries()) {
          const from = files.operations;
          files.plan = ({ number }) => (number === from + cut ? 'power-cut' : undefined);
          try {
            const spool = await Spool.open(folder, optionsOf(files, scene, round));
            await work(spool, scene, known);
            await spool.close();
          } catch (error) {
            if (!(error instanceof AtalayaError) || error.code !== 'store-failed') throw error;
          }
          files = files.survivors(random);
        }
        await check(files, scene, known);
      }),
      { numRuns: 100, includeErrorInReport: true },
    );
    t.pass();
  });
}
