import { chainFault } from '../act-chain.ts';
import type { Archive, DocumentRange } from '../archive.ts';
import { happenedAt } from '../happened.ts';
import type { Holds } from './archive-contract.ts';
import { madeEvent, madeEvents, stream } from './made-events.ts';

const all = { order: 'sequence', limit: 10_000 } as const;

/** What is there is found, and documents, acts and forwards are kept as they should. */
export function keepingContract(holds: Holds): void {
  holds('events are found by unit, lane, kind, time and position', async (t, { archive }) => {
    const alert = { lane: 'alert', kind: 'alert' } as const;
    await archive.ingest([...madeEvents(1, 5), ...madeEvents(1, 3, { ...alert, unit: 'unit-2' })]);
    await archive.ingest([...madeEvents(4, 6, { ...alert, unit: 'unit-2' }), ...madeEvents(1, 4, alert)]);
    const places = async (query: Partial<Parameters<Archive['events']>[0]>) =>
      (await archive.events({ order: 'position', limit: 100, ...query })).map(
        ({ unit, lane, sequence }) => `${unit.at(-1)}${lane.at(0)}${sequence}`,
      );
    const whole = await places({});
    t.is(whole.length, 15);
    t.deepEqual(await places({ order: 'newest' }), whole.toReversed());
    t.deepEqual(
      await places({ unit: 'unit-1', order: 'newest', limit: 3 }),
      whole
        .filter((one) => one.startsWith('1'))
        .slice(-3)
        .reverse(),
    );
    t.deepEqual(await places({ unit: 'unit-2', order: 'sequence', limit: 4 }), ['2a1', '2a2', '2a3', '2a4']);
    t.deepEqual(await places({ unit: 'unit-1', order: 'sequence', limit: 6 }), [
      '1a1',
      '1a2',
      '1a3',
      '1a4',
      '1i1',
      '1i2',
    ]);
    t.deepEqual(await places({ lane: 'alert', order: 'sequence' }), [
      ...whole.filter((one) => one.startsWith('1a')),
      ...whole.filter((one) => one.startsWith('2a')),
    ]);
    t.deepEqual(await places({ kinds: ['infraction'] }), whole.slice(0, 5));
    t.deepEqual(await places({ kinds: ['audit', 'count'] }), []);
    t.deepEqual(await places({ kinds: [] }), []);
    t.deepEqual(await places({ unit: 'unit-1', lane: 'infraction', stream, afterSequence: 3, order: 'sequence' }), [
      '1i4',
      '1i5',
    ]);
    const [from, to] = [madeEvent(2).time, madeEvent(4).time];
    t.deepEqual(await places({ from, to, unit: 'unit-1' }), ['1i2', '1i3', '1a2', '1a3']);
    t.deepEqual(await places({ from: '2026-02-02T03:40:02+01:00', to, lane: 'infraction' }), ['1i2', '1i3']);
    const position = (await archive.events({ order: 'position', limit: 4 }))[3]?.position ?? 0;
    t.deepEqual(await places({ afterPosition: position, limit: 3 }), whole.slice(4, 7));
    t.deepEqual(await places({ limit: 0 }), []);
  });

  holds('infractions are found by when they happened, the latest first, page by page', async (t, { archive }) => {
    const at = (second: number) => new Date(1_770_000_000_000 + second * 1000).toISOString();
    const audit = { kind: 'audit' } as const;
    const happened = (utc: string) => ({ data: { record: { infraction: { time: { utc } } }, signature: 'c2ln' } });
    // Of what a record says of no instant, or none that is one, the time of the event is taken.
    await archive.ingest([...madeEvents(1, 3), madeEvent(4, happened('soon')), madeEvent(5, audit), madeEvent(6)]);
    // A unit that was cut off, or judged a recording, brings and seals late what happened early, whatever zone it writes; two happened at
    // one instant; a second ledger counts anew.
    const zoned = at(2).replace('T02:40:02.000Z', 'T03:40:02+01:00');
    await archive.ingest([
      madeEvent(1, { unit: 'unit-2', time: at(500), ...happened(zoned) }),
      madeEvent(2, { unit: 'unit-2', time: at(501), ...happened(at(9)) }),
    ]);
    await archive.ingest([madeEvent(1, { stream: 'fedcba9876543210', time: at(3) })]);
    await archive.ingest(madeEvents(1, 3, { lane: 'alert', kind: 'alert', time: at(4) }));
    const query = { kinds: ['infraction'], order: 'latest', limit: 100 } as const;
    const places = async (more: Partial<Parameters<Archive['events']>[0]>) =>
      (await archive.events({ ...query, ...more })).map(
        ({ unit, stream: of, sequence }) => `${unit.at(-1)}${of === stream ? '' : 'b'}/${sequence}`,
      );
    const all = ['2/2', '1/6', '1/4', '1b/1', '1/3', '2/1', '1/2', '1/1'];
    t.deepEqual(await places({}), all);
    const ofFirst = all.filter((one) => one.startsWith('1'));
    t.deepEqual(await places({ unit: 'unit-1' }), ofFirst);
    t.deepEqual(await places({ unit: 'unit-1', kinds: ['infraction', 'audit'], limit: 2 }), ['1/6', '1/4']);
    t.deepEqual(await places({ kinds: ['audit'] }), []);
    t.deepEqual(await places({ unit: 'unit-3' }), []);
    t.deepEqual(await places({ from: at(2), to: at(4) }), ['1b/1', '1/3', '2/1', '1/2']);
    t.deepEqual(await places({ from: at(400) }), [], 'nothing by when it was sealed');
    for (const unit of [undefined, 'unit-1']) {
      const paged: string[] = [];
      let before: { at: number; position: number } | undefined;
      for (let page = 0; page < 20; page += 1) {
        const more = { ...query, limit: 1, ...(unit && { unit }), ...(before && { before }) };
        const [found] = await archive.events(more);
        if (found === undefined) break;
        before = { at: happenedAt(found) ?? 0, position: found.position };
        paged.push(`${found.unit.at(-1)}${found.stream === stream ? '' : 'b'}/${found.sequence}`);
      }
      t.deepEqual(paged, unit === undefined ? all : ofFirst);
    }
  });

  holds('old telemetry that is acknowledged is removed, and does not come back', async (t, { archive }) => {
    const telemetry = { lane: 'telemetry', kind: 'telemetry' } as const;
    const counted = madeEvent(3, { lane: 'telemetry', kind: 'count' });
    const sent = [...madeEvents(1, 2, telemetry), counted, ...madeEvents(4, 6, telemetry), madeEvent(9, telemetry)];
    await archive.ingest([...sent, madeEvent(1)]);
    t.is(await archive.forgetTelemetry(madeEvent(5).time), 3);
    t.is(await archive.forgetTelemetry(madeEvent(5).time), 0);
    t.is(await archive.forgetTelemetry(madeEvent(10).time), 2, 'what waits behind a gap stays');
    const left = await archive.events(all);
    t.deepEqual(
      left.map(({ kind, sequence }) => [kind, sequence]),
      [
        ['infraction', 1],
        ['count', 3],
        ['telemetry', 9],
      ],
    );
    t.deepEqual(await archive.ingest(sent), {
      fresh: 0,
      duplicates: 7,
      conflicts: [],
      watermarks: [{ unit: 'unit-1', lane: 'telemetry', stream, upTo: 6 }],
    });
    t.is((await archive.ingest(madeEvents(7, 8, telemetry))).watermarks[0]?.upTo, 9);
  });

  holds('a document changes from what it was based on, or not at all', async (t, { archive, again }) => {
    const other = await again();
    t.is(await archive.document('unit', 'unit-1'), undefined);
    t.true(await archive.putDocument('unit', 'unit-1', { a: 1 }, 0));
    t.false(await other.putDocument('unit', 'unit-1', { a: 2 }, 0));
    t.deepEqual(await other.document('unit', 'unit-1'), { kind: 'unit', key: 'unit-1', version: 1, value: { a: 1 } });
    t.true(await other.putDocument('unit', 'unit-1', { a: 3 }, 1));
    t.false(await archive.removeDocument('unit', 'unit-1', 1));
    t.true(await archive.removeDocument('unit', 'unit-1', 2));
    t.is(await archive.document('unit', 'unit-1'), undefined);
    t.false(await archive.putDocument('unit', 'unit-1', 'x', 3));
    t.true(await archive.putDocument('unit', 'unit-1', null, 0));
    t.is((await archive.document('unit', 'unit-1'))?.version, 4, 'a version never means two contents');
    for (const key of ['unit-1/b', 'unit-1/a', 'unit-10', 'unit-1_', 'Unit', 'ü', 'unit%'])
      t.true(await archive.putDocument('config', key, key, 0));
    const keys = async (prefix?: string) => (await other.documents('config', prefix)).map(({ key }) => key);
    t.deepEqual(await keys(), ['Unit', 'unit%', 'unit-1/a', 'unit-1/b', 'unit-10', 'unit-1_', 'ü']);
    t.deepEqual(await keys('unit-1/'), ['unit-1/a', 'unit-1/b']);
    t.deepEqual(await keys('unit%'), ['unit%']);
    t.deepEqual(await keys('unit_'), []);
    const last = async (range: Omit<DocumentRange, 'limit'>, limit = 10) =>
      (await other.lastDocuments('config', { ...range, limit })).map(({ key }) => key);
    t.deepEqual(await last({}, 3), ['ü', 'unit-1_', 'unit-10']);
    t.deepEqual(await last({ prefix: 'unit-1/' }), ['unit-1/b', 'unit-1/a']);
    t.deepEqual(await last({ prefix: 'unit-1/', before: 'unit-1/b' }, 1), ['unit-1/a']);
    t.deepEqual(await last({ before: 'unit-1/' }), ['unit%', 'Unit']);
    t.deepEqual(await last({ before: 'A' }), []);
    const counter = async (bridge: Archive) => {
      for (let added = 0; added < 10; ) {
        const before = await bridge.document('rollout', 'r');
        const value = ((before?.value as number | undefined) ?? 0) + 1;
        if (await bridge.putDocument('rollout', 'r', value, before?.version ?? 0)) added += 1;
      }
    };
    await Promise.all([counter(archive), counter(other)]);
    t.deepEqual(await archive.document('rollout', 'r'), { kind: 'rollout', key: 'r', version: 20, value: 20 });
  });

  holds('acts are one chain, whoever appends', async (t, { archive, again }) => {
    const bridges = [archive, await again()];
    const appended = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        bridges[i % 2]?.appendAct(
          { id: `act-${i}`, odd: 'ü\u0000' },
          'allowed',
          i % 3 === 0 ? `about ${i}` : undefined,
        ),
      ),
    );
    const acts = await archive.acts(1, 100);
    t.is(acts.length, 30);
    t.is(chainFault(acts), undefined);
    t.deepEqual(
      acts.toSorted((a, b) => a.number - b.number),
      acts,
    );
    t.deepEqual(appended.map((act) => act?.hash).sort(), acts.map(({ hash }) => hash).sort());
    t.deepEqual(await archive.acts(29, 1), [acts[28]]);
    t.deepEqual(await archive.acts(31, 10), []);
    t.is(acts.filter(({ about }) => about !== undefined).length, 10);
    t.deepEqual(await archive.lastActs(undefined, 3), acts.slice(-3).toReversed());
    t.deepEqual(await archive.lastActs(3, 100), acts.slice(0, 2).toReversed());
    t.deepEqual(await archive.lastActs(1, 100), []);
    const [first, second, ...rest] = acts as [(typeof acts)[0], (typeof acts)[0]];
    t.regex(chainFault([first, { ...second, outcome: 'refused' }, ...rest]) ?? '', /act 2 was changed/);
    t.regex(chainFault([{ ...first, about: 'something else' }]) ?? '', /act 1 was changed/);
    t.regex(chainFault([first, ...rest]) ?? '', /after act 1 comes act 3/);
    t.is(chainFault(rest, second), undefined);
  });

  holds('forwards are leased, oldest first, and gone when they are confirmed', async (t, { archive, again }) => {
    const other = await again();
    const forwardTo = ['infraction.detection', 'report.generation'];
    await archive.ingest(madeEvents(1, 10, { forwardTo }));
    await archive.ingest(madeEvents(1, 10, { forwardTo }));
    await archive.forward('config.updates', 'unit-1/3', { version: 3 });
    await archive.forward('config.updates', 'unit-1/3', { version: 3 });
    const taken = await Promise.all([archive, other, archive, other].map((one) => one.takeForwards(5, 1500)));
    const ids = taken.flat().map(({ id }) => id);
    t.is(new Set(ids).size, 20);
    const { forwardTo: _, previous: __, ...event } = madeEvent(1);
    t.deepEqual(
      taken
        .flat()
        .toSorted((a, b) => a.id - b.id)
        .slice(0, 2)
        .map(({ id: ___, ...rest }) => rest),
      forwardTo.map((queue) => ({ queue, message: `unit-1/infraction/${stream}/1`, payload: event })),
    );
    await other.forwarded(ids.slice(0, 18));
    const last = await other.takeForwards(5, 60_000);
    t.deepEqual(
      last.map(({ queue, message, payload }) => ({ queue, message, payload })),
      [{ queue: 'config.updates', message: 'unit-1/3', payload: { version: 3 } }],
    );
    t.deepEqual(await archive.takeForwards(5, 60_000), []);
    for (let left = 100; left > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const back = await archive.takeForwards(5, 60_000);
      if (back.length === 0) continue;
      t.deepEqual(back.map(({ id }) => id).sort(), ids.slice(18).sort(), 'a lease that ran out');
      return;
    }
    t.fail('the lease never ran out');
  });
}
