import test from 'ava';
import fc from 'fast-check';
import { type Topic, type TopicName, topics } from '../../contract/topics.ts';
import { BridgeTrial, countOf, until } from './testing/bridge-trial.ts';

const up = (Object.entries(topics) as [TopicName, Topic][]).filter(([, { way }]) => way === 'up');

/** A topic of that name, with levels that may or may not fit. */
const topic = (path: string) =>
  fc
    .tuple(
      fc.constantFrom('unit-1', 'unit-1', 'unit-1', 'Unit_1', '', 'x'.repeat(70)),
      fc.constantFrom('v1', 'v1', 'v1', 'v2', 'v99999', 'w'),
      fc.constantFrom('a-000000001', 'command-0001', '..', '', 'p'.repeat(200)),
      fc.constantFrom('0', '17', '-1', '99999999', 'keys'),
    )
    .map(
      ([unit, version, id, more]) =>
        `atalaya/${version}/${unit}/${path.replace('{id}', id).replace('{file}', 'keys').replace('{block}', more)}`,
    );

/** Too long to be printed where a test fails. */
const made = { long: Buffer.alloc(130_000, '['), deep: Buffer.from('[['.repeat(40_000)) } as const;

/** Bytes that are no message, or almost one. */
const rubbish: fc.Arbitrary<Buffer | keyof typeof made> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc.constantFrom<keyof typeof made>('long', 'deep'),
  fc.constant(Buffer.from('{"lane":"alert","stream":"0123456789abcdef","events":[],"events":[]}')),
  fc
    .record({
      lane: fc.constantFrom('alert', 'infraction', 'telemetry', 'other'),
      stream: fc.constantFrom('0123456789abcdef', 'no stream', '../../0123456789'),
      events: fc.array(
        fc.record({
          sequence: fc.constantFrom(0, -1, 1.5, 3, Number.MAX_SAFE_INTEGER, 1e300),
          previous: fc.constantFrom(3, 5, Number.MAX_SAFE_INTEGER, -1, 9),
          time: fc.constantFrom('2026-03-01T12:00:00Z', 'yesterday', '9999-99-99T00:00:00Z'),
          data: fc.anything({ withNullPrototype: false, withObjectString: false }),
        }),
        { maxLength: 4 },
      ),
    })
    .map((value) =>
      Buffer.from(JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner))),
    ),
);

for (const [name, { path }] of up) {
  test(`rubbish as ${name}: counted, and nobody notices`, async (t) => {
    const trial = new BridgeTrial();
    const { bridge } = await trial.bridge();
    const unit = await trial.unit('unit-1');
    const other = await trial.unit('unit-2');
    await until('known', async () => (await bridge.views.all()).length === 2);
    let sequence = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(topic(path), rubbish), { minLength: 1, maxLength: 5 }), async (messages) => {
        const before = bridge.refusals.all().reduce((sum, { count }) => sum + count, 0);
        for (const [at, payload] of messages) await unit.raw(at, typeof payload === 'string' ? made[payload] : payload);
        sequence += 1;
        await other.events('count', [{ sequence, data: countOf(sequence) }]);
        await until('the other is acknowledged', () => other.upTo('telemetry') === sequence);
        const counted = bridge.refusals.all().reduce((sum, { count }) => sum + count, 0) - before;
        t.true(counted >= messages.length, `${counted} of ${messages.length} were counted`);
      }),
      { numRuns: 25 },
    );
    t.deepEqual(await trial.archive.events({ unit: 'unit-1', order: 'sequence', limit: 10 }), []);
    t.deepEqual(await trial.archive.refusals('unit-1'), []);
    t.deepEqual((await bridge.views.all()).map((view) => view.unit).sort(), ['unit-1', 'unit-2']);
    t.is((await trial.archive.documents('blob')).length, 0);
    const lines = trial.lines.filter(({ level }) => level !== 'info').length;
    t.true(lines <= 61, `${lines} lines`);
    t.false(trial.lines.some(({ level }) => level === 'error'));
    await trial.end();
  });
}
