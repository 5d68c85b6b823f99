import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { type DebounceState, debounceEdge, debounceFrom, debounceWait, type Settled } from './debounce.ts';
import { LineDebounce } from './debounce-line.ts';

const start = milliseconds(0);
const step = fc.record({ gap: fc.integer({ min: 0, max: 60 }), level: fc.boolean() });

/** What settles of edges, looked at after each edge and at the given moments between. */
function run(edges: readonly Settled[], period: number, looks: readonly number[]): Settled[] {
  let state: DebounceState = debounceFrom(false, start);
  const told: Settled[] = [];
  const take = (next: { state: DebounceState; settled: Settled | undefined }) => {
    state = next.state;
    if (next.settled !== undefined) told.push(next.settled);
  };
  const last = (edges.at(-1)?.at ?? 0) + period;
  const events = [
    ...edges.map((edge) => ({ time: edge.at, edge })),
    ...looks.map((time) => ({ time, edge: undefined })),
  ];
  // Edges before looks of the same time.
  events.sort((a, b) => a.time - b.time || (a.edge === undefined ? 1 : 0) - (b.edge === undefined ? 1 : 0));
  for (const { time, edge } of events) {
    take(
      edge === undefined
        ? debounceWait(state, milliseconds(time), milliseconds(period))
        : debounceEdge(state, edge, milliseconds(period)),
    );
  }
  take(debounceWait(state, milliseconds(last), milliseconds(period)));
  return told;
}

function at(steps: readonly { gap: number; level: boolean }[]): Settled[] {
  let now = 0;
  return steps.map(({ gap, level }) => {
    now += gap;
    return { level, at: milliseconds(now) };
  });
}

test('what settles has stood for the period, alternates, and is all that stood so long', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 50 }), (steps, period) => {
      const edges = at(steps);
      const told = run(edges, period, []);
      // Said again without states: a level counts where the next edge comes no sooner than a period after it.
      const stood = edges.filter((edge, i) => (edges[i + 1]?.at ?? Number.POSITIVE_INFINITY) - edge.at >= period);
      const expected = stood.filter(({ level }, i) => level !== (stood[i - 1]?.level ?? false));
      t.deepEqual(told, expected);
    }),
  );
});

test('how often one looks changes nothing of what settles', (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 30 }),
      (steps, period, looks) => {
        const edges = at(steps);
        const end = (edges.at(-1)?.at ?? 0) + period;
        t.deepEqual(
          run(
            edges,
            period,
            looks.filter((time) => time <= end),
          ),
          run(edges, period, []),
        );
      },
    ),
  );
});

test('a debounced line calls back as time passes, once a level, dated by when it began to stand', async (t) => {
  const clock = new ManualClock();
  const told: string[] = [];
  const line = new LineDebounce(false, milliseconds(20), clock, clock, ({ level, at: from }) =>
    told.push(`${level} from ${from} at ${clock.monotonic()}`),
  );
  const edge = (level: boolean) => line.edge({ level, at: clock.monotonic() });
  await clock.advance(100);
  for (const level of [true, false, true, false, true]) {
    edge(level);
    await clock.advance(5);
  }
  t.false(line.level);
  await clock.advance(50);
  t.deepEqual(told, ['true from 120 at 140']);
  edge(false);
  await clock.advance(19);
  edge(true);
  await clock.advance(100);
  t.is(told.length, 1, 'what did not stand is not told');
  t.is(clock.sleeping, 0, 'nothing waits where nothing moves');
  edge(false);
  line.stop();
  await clock.advance(100);
  t.is(told.length, 1);
});

test('without a period each change counts at once', (t) => {
  const clock = new ManualClock();
  const told: boolean[] = [];
  const line = new LineDebounce(false, milliseconds(0), clock, clock, ({ level }) => told.push(level));
  for (const level of [true, true, false, true]) line.edge({ level, at: clock.monotonic() });
  t.deepEqual(told, [true, false, true]);
});
