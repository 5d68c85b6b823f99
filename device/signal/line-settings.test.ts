import test from 'ava';
import { explain } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { linesSection } from './contract/line-settings.ts';
import { openLines } from './line-settings.ts';
import { SimulatedLines } from './simulated-lines.ts';

const clock = new ManualClock();
const parts = { clock, timer: clock, random: () => 0, onFault: () => undefined };

test('without a word in the configuration the lines are simulated, and have whatever is needed', async (t) => {
  const lines = await openLines(linesSection.parse({}), { outputs: ['beacon', 'strobe'], inputs: ['red'] }, parts);
  t.true(lines instanceof SimulatedLines);
  await lines.set('strobe', true);
  t.false(await lines.read('red'));
  await lines.close();
});

test('simulated lines keep the safe levels and sensors of the configuration', async (t) => {
  const settings = linesSection.parse({
    outputs: [{ name: 'fan', chip: 'any', line: 3, safe: true }],
    sensors: { door: 'door', loops: ['loop'] },
  });
  const lines = await openLines(settings, { outputs: ['beacon'], inputs: [] }, parts);
  t.true(lines instanceof SimulatedLines && lines.level('fan') && !lines.level('beacon'));
  t.false(await lines.read('door'));
  t.false(await lines.read('loop'));
});

test('a real driver without a wire for a name that is needed is refused before anything is opened', async (t) => {
  for (const driver of ['gpio', 'sysfs']) {
    const settings = linesSection.parse({ driver, outputs: [{ name: 'beacon', chip: 'c', line: 1 }] });
    const error = await t.throwsAsync(openLines(settings, { outputs: ['beacon', 'strobe'], inputs: ['red'] }, parts));
    t.is(
      explain(error),
      'config-invalid: `signal.lines.outputs` says of no wire that it is strobe\n  Add it with its chip and line, or set `signal.lines.driver` to `simulated` to run without wires.',
    );
  }
});

test('a section that contradicts itself is refused where it does', (t) => {
  const wire = { chip: 'pinctrl-rp1', line: 17 };
  const issues = (section: unknown) => {
    const result = linesSection.safeParse(section);
    return result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  t.is(issues({ driver: 'gpio', outputs: [{ name: 'beacon', ...wire }] }), undefined);
  t.deepEqual(issues({ outputs: [{ name: 'beacon', ...wire }], inputs: [{ name: 'beacon', ...wire, line: 1 }] }), [
    'inputs.0.name: the name beacon is given twice',
  ]);
  t.deepEqual(issues({ outputs: [{ name: 'beacon', ...wire }], inputs: [{ name: 'red', ...wire }] }), [
    'inputs.0.line: beacon is this very line',
  ]);
  t.deepEqual(issues({ driver: 'gpio', sensors: { door: 'door', loops: ['a'] } }), [
    'sensors.door: there is no input door',
    'sensors.loops.0: there is no input a',
  ]);
  t.truthy(issues({ outputs: [{ name: 'beacon', chip: 'x'.repeat(32), line: 1 }] }));
  t.truthy(issues({ outputs: [{ name: 'Beacon', ...wire }] }));
});
