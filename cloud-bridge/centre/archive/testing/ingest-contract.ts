import fc from 'fast-check';
import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import type { Arrived } from '../archive.ts';
import type { Holds } from './archive-contract.ts';
import { madeEvent, madeEvents, sequences, shuffled, stream } from './made-events.ts';

const otherStream = 'fedcba9876543210';
const marks = (upTo: number) => [{ unit: 'unit-1', lane: 'infraction', stream, upTo }];
const all = { order: 'sequence', limit: 10_000 } as const;

/** What comes in, in whatever way, is there once, and is acknowledged as far as it is. */
export function ingestContract(holds: Holds): void {
  holds('events are archived once, and the watermark says how far', async (t, { archive, again }) => {
    const first = await archive.ingest(madeEvents(1, 3));
    t.deepEqual(first, { fresh: 3, duplicates: 0, conflicts: [], watermarks: marks(3) });
    const second = await archive.ingest([...madeEvents(2, 5), madeEvent(5)]);
    t.deepEqual(second, { fresh: 2, duplicates: 3, conflicts: [], watermarks: marks(5) });
    t.deepEqual(await archive.ingest([]), { fresh: 0, duplicates: 0, conflicts: [], watermarks: [] });
    const other = await again();
    t.deepEqual(await other.watermarks('unit-1'), marks(5));
    t.deepEqual(await other.watermarks('unit-2'), []);
    const events = await other.events(all);
    t.deepEqual(
      events.map(({ position: _, archived: __, ...event }) => ({ ...event, forwardTo: [] })),
      madeEvents(1, 5),
    );
    t.true(events.every(({ archived }) => !Number.isNaN(Date.parse(archived))));
  });

  holds('whatever JSON an event carries comes back as it was', async (t, { archive }) => {
    let sequence = 0;
    const value = fc.jsonValue({ maxDepth: 4 }).map((one) => JSON.parse(JSON.stringify(one)) as JsonValue);
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 5 }), async (values) => {
        const before = sequence;
        await archive.ingest(
          values.map((data) => {
            sequence += 1;
            return madeEvent(sequence, { data });
          }),
        );
        const found = await archive.events({ ...all, unit: 'unit-1', afterSequence: before });
        t.deepEqual(
          found.map(({ data }) => data),
          values,
        );
      }),
      { numRuns: 40 },
    );
    const odd = 'nul \u0000, quote " and \\, lone \ud800, ☃';
    await archive.ingest([madeEvent(sequence + 1, { data: { odd } })]);
    t.deepEqual((await archive.events({ ...all, afterSequence: sequence }))[0]?.data, { odd });
  });

  holds('in whatever order and however often: once, and no mark passes a gap', async (t, { archive }) => {
    let unit = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31), fc.constantFrom('alert', 'infraction', 'telemetry'), async (seed, lane) => {
        unit += 1;
        const random = seededRandom(seed);
        const sent: Arrived[] = [];
        for (let [sequence, previous] = [1, 0]; sent.length < 24; sequence += random() < 0.2 ? 3 : 1) {
          sent.push(madeEvent(sequence, { unit: `unit-${unit}`, lane, previous }));
          previous = sequence;
        }
        const arriving = shuffled([...sent, ...sent.filter(() => random() < 0.5)], random);
        // Telemetry begins where its first event says; here it is the first one.
        if (lane === 'telemetry') arriving.unshift(sent[0] as Arrived);
        const there = new Set<Arrived>();
        for (let at = 0; at < arriving.length; ) {
          const batch = arriving.slice(at, at + 1 + Math.floor(random() * 6));
          at += batch.length;
          const fresh = new Set(batch.filter((event) => !there.has(event)));
          for (const event of batch) there.add(event);
          const { watermarks, ...counts } = await archive.ingest(batch);
          t.deepEqual(counts, { fresh: fresh.size, duplicates: batch.length - fresh.size, conflicts: [] });
          let upTo = 0;
          for (const event of sent) {
            if (!there.has(event)) break;
            upTo = event.sequence;
          }
          t.deepEqual(watermarks, [{ unit: `unit-${unit}`, lane, stream, upTo }]);
        }
        const kept = await archive.events({ ...all, unit: `unit-${unit}` });
        t.deepEqual(
          kept.map(({ sequence }) => sequence),
          sent.map(({ sequence }) => sequence),
        );
      }),
      { numRuns: 12 },
    );
  });

  holds('what a unit declares as dropped is no gap, everything else is', async (t, { archive }) => {
    const upTo = async (...events: Arrived[]) => (await archive.ingest(events)).watermarks[0]?.upTo;
    const other = { unit: 'unit-2' };
    t.is(await upTo(madeEvent(42)), 0, 'the beginning of a lane of infractions is waited for');
    t.is(await upTo(...madeEvents(2, 41)), 0);
    t.is(await upTo(madeEvent(1)), 42);
    t.is(await upTo(madeEvent(42, { ...other, previous: 0 })), 42, 'unless the unit says that there is none');
    t.is(await upTo(madeEvent(50, { ...other, previous: 42 })), 50);
    t.is(await upTo(madeEvent(52, { ...other, previous: 51 })), 50);
    // The unit has dropped 51 meanwhile, and sends again.
    t.is(await upTo(madeEvent(52, { ...other, previous: 50 })), 52);
    t.is(
      await upTo(madeEvent(51, { ...other, previous: 50 })),
      52,
      'and takes what it declared as dropped when it comes',
    );
    const telemetry = { unit: 'unit-3', lane: 'telemetry', kind: 'telemetry' } as const;
    t.is(await upTo(madeEvent(42, telemetry)), 42, 'a lane of telemetry begins with what comes first');
    t.is(await upTo(madeEvent(44, telemetry)), 42, 'and from there on it has gaps as any other');
    t.is(await upTo(madeEvent(43, telemetry)), 44);
    t.is(await upTo(madeEvent(41, telemetry)), 44);
    t.is(await upTo(madeEvent(60, { ...telemetry, previous: 59 }), madeEvent(61, { ...telemetry, previous: 50 })), 44);
    t.is(await upTo(madeEvent(50, { ...telemetry, previous: 44 })), 61, 'a declared gap may hide what waits in it');
    t.is((await archive.events({ ...all, unit: 'unit-3' })).length, 7);
  });

  holds('other content at the same place is kept out and told', async (t, { archive }) => {
    await archive.ingest(madeEvents(1, 2));
    const place = { unit: 'unit-1', lane: 'infraction', stream };
    const changed = [
      madeEvent(1, { data: { other: true } }),
      madeEvent(2, { time: '2026-01-01T00:00:00Z' }),
      madeEvent(2, { kind: 'audit' }),
      madeEvent(3, { data: 1 }),
      madeEvent(3, { data: 2 }),
    ];
    t.deepEqual(await archive.ingest(changed), {
      fresh: 1,
      duplicates: 0,
      conflicts: [1, 2, 2, 3].map((sequence) => ({ ...place, sequence })),
      watermarks: marks(3),
    });
    const kept = await archive.events(all);
    t.deepEqual(kept[0]?.data, madeEvent(1).data);
    t.is(kept[2]?.data, 1);
    // The same value in another order of keys is the same.
    const { record, signature } = madeEvent(1).data as { record: JsonValue; signature: string };
    t.is((await archive.ingest([madeEvent(1, { data: { signature, record } })])).duplicates, 1);
  });

  holds('a unit whose disk was replaced begins another stream', async (t, { archive }) => {
    await archive.ingest(madeEvents(1, 9));
    await archive.ingest([
      ...madeEvents(1, 2, { stream: otherStream }),
      madeEvent(1, { lane: 'alert', kind: 'alert' }),
    ]);
    t.deepEqual(await archive.watermarks('unit-1'), [
      { unit: 'unit-1', lane: 'alert', stream, upTo: 1 },
      { unit: 'unit-1', lane: 'infraction', stream: otherStream, upTo: 2 },
    ]);
    t.is((await archive.watermarks('unit-1', 'all')).length, 3);
    // The old disk is put back.
    await archive.ingest([madeEvent(10)]);
    t.is((await archive.watermarks('unit-1'))[1]?.upTo, 10);
    t.is((await archive.events({ ...all, stream: otherStream })).length, 2);
  });

  holds('bridges side by side archive each event once', async (t, { archive, again }) => {
    const bridges = [archive, await again()];
    const random = seededRandom(9);
    const units = ['unit-1', 'unit-2', 'unit-3'];
    const events = units.flatMap((unit) => madeEvents(1, 200, { unit, forwardTo: ['infraction.detection'] }));
    const batches = (mixed: Arrived[]) => Array.from({ length: 12 }, (_, i) => mixed.slice(i * 50, i * 50 + 50));
    // Both get everything, each in an order of its own, and both again what the other had.
    const work = bridges.map(async (bridge) => {
      let fresh = 0;
      for (const batch of batches(shuffled(events, random))) fresh += (await bridge.ingest(batch)).fresh;
      return fresh;
    });
    const same = madeEvents(1, 100, { unit: 'unit-4' });
    const twice = await Promise.all(bridges.map((bridge) => bridge.ingest(same)));
    const fresh = await Promise.all(work);
    t.is(
      fresh.reduce((a, b) => a + b),
      600,
    );
    t.is(
      twice.reduce((sum, done) => sum + done.fresh, 0),
      100,
    );
    t.is(
      twice.reduce((sum, done) => sum + done.duplicates, 0),
      100,
    );
    for (const unit of units) {
      t.is((await archive.watermarks(unit))[0]?.upTo, 200);
      t.deepEqual(
        (await archive.events({ ...all, unit })).map(({ sequence }) => sequence),
        madeEvents(1, 200).map(({ sequence }) => sequence),
      );
    }
    t.is((await archive.takeForwards(2000, 60_000)).length, 600);
  });

  holds('whoever follows the positions misses nothing, whoever writes', async (t, { archive, again }) => {
    const bridges = [archive, await again(), await again()];
    let writing = true;
    const written = Promise.all(
      bridges.map(async (bridge, i) => {
        for (let at = 1; at < 400; at += 8) await bridge.ingest(madeEvents(at, at + 7, { unit: `unit-${i}` }));
      }),
    ).finally(() => {
      writing = false;
    });
    const seen: string[] = [];
    let position = 0;
    for (let more = true; more; ) {
      const last = !writing;
      const next = await archive.events({ order: 'position', afterPosition: position, limit: 100 });
      seen.push(...next.map(({ unit, sequence }) => `${unit}/${sequence}`));
      position = next.at(-1)?.position ?? position;
      more = !last || next.length > 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await written;
    t.is(seen.length, 1200);
    t.is(new Set(seen).size, 1200);
  });

  holds('what is refused takes its place, and what is good may still come there', async (t, { archive }) => {
    const refusal = (sequence: number) => ({
      ...({ unit: 'unit-1', lane: 'infraction', stream } as const),
      ...{ sequence, previous: sequence - 1, reason: 'signature: does not verify' },
    });
    await archive.ingest([madeEvent(1), madeEvent(3), madeEvent(4)]);
    t.deepEqual(await archive.refuse([refusal(2)]), marks(4));
    t.deepEqual(await archive.refuse([refusal(2), refusal(3)]), marks(4), 'what is archived stays');
    t.deepEqual(await archive.refusals('unit-1'), [refusal(2)]);
    t.deepEqual(await sequences(archive), [1, 3, 4]);
    const done = await archive.ingest([madeEvent(2)]);
    t.deepEqual([done.fresh, done.watermarks], [1, marks(4)]);
    t.deepEqual(await archive.refusals('unit-1'), []);
    t.deepEqual(await sequences(archive), [1, 2, 3, 4]);
    const newest = await archive.events({ order: 'newest', limit: 1 });
    t.is(newest[0]?.sequence, 2, 'whoever follows the positions sees it');
  });
}
