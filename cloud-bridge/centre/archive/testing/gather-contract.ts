import { sha256 } from '../../../../device/kernel/hash.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import type { Archive, Arrived, ArrivedPart, Gathered } from '../archive.ts';
import type { Holds } from './archive-contract.ts';
import { longData, madeEvent, madeParts, sequences, shuffled, stream } from './made-events.ts';

const marks = (upTo: number) => [{ unit: 'unit-1', lane: 'infraction', stream, upTo }];
const all = { order: 'sequence', limit: 10_000 } as const;
const most = 1e8;

/** As a bridge does it that finds nothing wrong with any event. */
async function bring(
  archive: Archive,
  parts: readonly ArrivedPart[],
): Promise<{ readonly gathered: Gathered; readonly fresh: number }> {
  const gathered = await archive.gather(parts, most);
  const events: Arrived[] = gathered.whole.map(({ content, ...event }) => {
    return { ...event, data: JSON.parse(content.toString()), forwardTo: [] };
  });
  const { fresh } = await archive.ingest(events);
  return { gathered, fresh };
}

/** Events that come in pieces are put together, whoever brings which. */
export function gatherContract(holds: Holds): void {
  holds('parts come in any order, twice, to several bridges, and give one event', async (t, { archive, again }) => {
    const bridges = [archive, await again()];
    const events = [1, 2, 3].map((sequence) => madeEvent(sequence, { data: longData(4000 * sequence) }));
    const random = seededRandom(5);
    const parts = events.flatMap((event) => madeParts(event, 7));
    const arriving = shuffled([...parts, ...parts], random);
    let [fresh, duplicates] = [0, 0];
    for (let at = 0; at < arriving.length; at += 3) {
      const done = await bring(bridges[at % 2] as Archive, arriving.slice(at, at + 3));
      fresh += done.fresh;
      duplicates += done.gathered.duplicates;
      t.deepEqual([done.gathered.conflicts, done.gathered.mismatches], [[], []]);
    }
    t.deepEqual([fresh, duplicates], [3, 21]);
    t.deepEqual(await archive.watermarks('unit-1'), marks(3));
    t.deepEqual(
      (await archive.events(all)).map(({ data }) => data),
      events.map(({ data }) => data),
    );
    const whole = await archive.ingest([events[0] as Arrived]);
    t.deepEqual([whole.fresh, whole.duplicates], [0, 1], 'whole again, it is the same');
    const other = await archive.gather(madeParts(madeEvent(2, { data: 'other' }), 3), most);
    t.deepEqual([other.conflicts.length, other.mismatches.length], [3, 0]);
    // Cut anew half-way, by a unit that started again.
    const event = madeEvent(4, { data: longData(800) });
    await bring(archive, madeParts(event, 5).slice(0, 3));
    t.is((await bring(archive, madeParts(event, 2))).fresh, 1);
    t.is((await bring(archive, madeParts(event, 5).slice(3))).gathered.duplicates, 2);
  });

  holds('parts are gathered for whoever judges the event first', async (t, { archive, again }) => {
    const other = await again();
    const event = madeEvent(1, { data: longData(4000) });
    const parts = madeParts(event, 3);
    const nothing = { whole: [], duplicates: 0, conflicts: [], mismatches: [], crowdedOut: [] };
    const nobody = { ...nothing, watermarks: marks(0) };
    t.deepEqual(await archive.gather(parts.slice(0, 1), most), nobody);
    t.deepEqual(await other.gather(parts.slice(2), most), nobody);
    const { whole } = await other.gather(parts.slice(1, 2), most);
    const { data, forwardTo: _, ...rest } = event;
    t.deepEqual(whole, [{ ...rest, content: Buffer.from(JSON.stringify(data)) }]);
    t.deepEqual(await sequences(archive), [], 'nothing is archived yet');
    // The bridge that had it died before it judged: the unit sends again.
    const anew = await archive.gather(parts.slice(0, 1), most);
    t.deepEqual([anew.whole, anew.duplicates], [whole, 1]);
    t.deepEqual((await archive.ingest([event])).watermarks, marks(1));
    const late = await other.gather(parts, most);
    t.deepEqual([late.whole, late.duplicates, late.watermarks], [[], 3, marks(1)]);
    t.is((await other.gather(madeParts(madeEvent(1, { data: 'another' }), 2), most)).conflicts.length, 2);
    // Refused, its parts are gone, and whatever comes there is judged again.
    const second = madeParts(madeEvent(2, { data: longData(400) }), 2);
    t.is((await archive.gather(second, most)).whole.length, 1);
    const refusal = { unit: 'unit-1', lane: 'infraction', stream, sequence: 2, previous: 1, reason: 'no' } as const;
    t.deepEqual(await archive.refuse([refusal]), marks(2));
    t.deepEqual((await archive.gather(second.slice(0, 1), most)).whole, []);
    t.is((await other.gather(second.slice(1), most)).whole.length, 1);
    // Discarded, they have to come again, all of them.
    await archive.discard([refusal]);
    t.deepEqual((await other.gather(second.slice(0, 1), most)).whole, []);
    // What is no JSON is for whoever judges.
    const rubbish = madeParts(madeEvent(4), 2).map((part) => ({ ...part, content: Buffer.from('{') }));
    const given = rubbish.map((part) => ({ ...part, part: { ...part.part, sha256: sha256('{{') } }));
    t.is((await archive.gather(given, most)).whole[0]?.content.toString(), '{{');
  });

  holds('parts that do not give what they say are thrown away and told', async (t, { archive }) => {
    const event = madeEvent(1, { data: longData(400) });
    const place = { unit: 'unit-1', lane: 'infraction', stream, sequence: 1 };
    const parts = madeParts(event, 3);
    const wrong = { ...(parts[1] as ArrivedPart), content: Buffer.from('something else') };
    t.deepEqual((await archive.gather([wrong], most)).mismatches, []);
    const second = await archive.gather([parts[1] as ArrivedPart], most);
    t.deepEqual([second.mismatches, second.conflicts], [[place], []], 'two contents of one part');
    const done = await archive.gather([parts[0] as ArrivedPart, parts[2] as ArrivedPart], most);
    t.deepEqual([done.whole, done.mismatches, done.watermarks[0]?.upTo], [[], [place], 0]);
    t.is((await bring(archive, parts)).fresh, 1, 'sent anew they are taken');
    const damaged = await archive.gather(madeParts(madeEvent(3, { data: longData(40) }), 2, '0'.repeat(64)), most);
    t.deepEqual([damaged.whole.length, damaged.mismatches.length], [0, 1]);
    t.deepEqual(await sequences(archive), [1]);
  });

  holds(
    'a unit leaves no more of incomplete events than its bound, and what goes on comes through',
    async (t, { archive }) => {
      const begun = (sequence: number, unit = 'unit-1') =>
        madeParts(madeEvent(sequence, { unit, data: longData(80_000) }), 2).slice(0, 1);
      const bound = 4 * 90_000;
      let crowded = 0;
      await archive.gather(begun(1, 'unit-2'), bound);
      for (let sequence = 1; sequence <= 20; sequence += 1)
        crowded += (await archive.gather(begun(sequence), bound)).crowdedOut.length;
      t.true(crowded >= 12 && crowded <= 18, `${crowded} went`);
      // All at once, in one stream or another: those furthest behind go.
      const many = Array.from({ length: 20 }, (_, i) => begun(100 + i)).flat();
      const gone = (await archive.gather(many, bound)).crowdedOut.map(({ sequence }) => sequence);
      t.true(gone.includes(119) && !gone.includes(100), String(gone));
      const next = madeParts(madeEvent(100, { data: longData(80_000) }), 2);
      t.is((await bring(archive, next.slice(1))).fresh, 1, 'the one that its unit goes on with is whole');
      const other = madeParts(madeEvent(1, { unit: 'unit-2', data: longData(80_000) }), 2);
      t.is((await bring(archive, other.slice(1))).fresh, 1, 'and nobody else has lost anything');
      // A part of three bytes is bounded as well.
      const short = Array.from({ length: 300 }, (_, i) => madeParts(madeEvent(200 + i, { data: 'abcd' }), 2)[0]);
      t.true((await archive.gather(short as ArrivedPart[], bound)).crowdedOut.length > 200);
    },
  );
}
