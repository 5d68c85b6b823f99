import test from 'ava';
import { ManualClock } from '../kernel/manual-clock.ts';
import { linesContract } from './lines-contract.ts';
import { SimulatedLines } from './simulated-lines.ts';

for (const safe of [false, true]) {
  linesContract(test, `simulated, safe at ${safe}`, async () => {
    const lines = SimulatedLines.open(
      { outputs: [{ name: 'beacon', safe }], inputs: [{ name: 'red', level: false }] },
      new ManualClock(),
    );
    return {
      lines,
      output: 'beacon',
      safeLevel: safe,
      input: 'red',
      levelOf: async (output) => lines.level(output),
      drive: async (input, level) => lines.drive(input, level),
      dismantle: async () => undefined,
    };
  });
}

test('the timeline says what happened to each line, when and why', async (t) => {
  const clock = new ManualClock();
  const lines = SimulatedLines.open(
    { outputs: [{ name: 'strobe', safe: false }], inputs: [{ name: 'red', level: true }] },
    clock,
  );
  await clock.advance(10);
  await lines.set('strobe', true);
  await clock.advance(5);
  lines.drive('red', false);
  lines.drive('red', false);
  await lines.close();
  t.deepEqual(
    lines.timeline.map(({ at, line, level, cause }) => `${at} ${line} ${level} ${cause}`),
    ['0 strobe false opened', '10 strobe true set', '15 red false driven', '15 strobe false safe'],
  );
});

test('the timeline does not grow without end', async (t) => {
  const lines = SimulatedLines.open({ outputs: [{ name: 'strobe', safe: false }], inputs: [] }, new ManualClock());
  for (let i = 0; i < 25_000; i += 1) await lines.set('strobe', i % 2 === 0);
  t.true(lines.timeline.length <= 10_000);
  t.is(lines.timeline.at(-1)?.level, false);
});
