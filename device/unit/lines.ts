import type { Config } from '../config/config-schema.ts';
import { milliseconds } from '../kernel/units.ts';
import type { Scene } from '../scene/scene.ts';
import type { LinesFacts } from '../selftest/facts.ts';
import type { NamedLine } from '../signal/line-activity.ts';
import type { HeadWiring } from '../signal/phase-input.ts';

type Heads = Extract<LinesFacts, { readonly kind: 'open' }>['heads'];

/** The wires of a signal head, where the scene reads its phase from input lines. */
export function wiringOf({ name, phases }: Scene['signals'][number]): HeadWiring[] {
  if (phases.kind !== 'input' || phases.red === undefined) return [];
  const { red, amber, green } = phases;
  return [{ head: name, red, ...(amber === undefined ? {} : { amber }), ...(green === undefined ? {} : { green }) }];
}

/** The lamps of every head that is wired. */
export const headsOf = (scene: Pick<Scene, 'signals'>): Heads =>
  scene.signals.flatMap(wiringOf).map(({ head, red, amber, green }) => ({
    head,
    red,
    ...(amber === undefined ? {} : { amber }),
    ...(green === undefined ? {} : { green }),
  }));

/** Every line that the unit opens, with what it serves: what the configuration wires, and what scene, sensors and signaller ask for. */
export function namedLines({ signal }: Pick<Config, 'signal'>, scene: Pick<Scene, 'signals'>): readonly NamedLine[] {
  const { beacon, strobe, lines } = signal;
  const { door, tamper, loops } = lines.sensors;
  const roles = new Map<string, string>();
  for (const { head, red, amber, green } of headsOf(scene)) {
    for (const [lamp, name] of Object.entries({ red, amber, green })) {
      if (name !== undefined) roles.set(name, `${lamp} of ${head}`);
    }
  }
  for (const loop of loops) roles.set(loop, 'loop');
  if (tamper !== undefined) roles.set(tamper, 'tamper');
  if (door !== undefined) roles.set(door, 'door');
  const inputs = new Set([...lines.inputs.map(({ name }) => name), ...roles.keys()]);
  const outputs = new Map(lines.outputs.map(({ name, safe }) => [name, safe]));
  for (const { output } of [beacon, strobe]) if (!outputs.has(output)) outputs.set(output, false);
  const served = new Map([
    [strobe.output, 'strobe'],
    [beacon.output, 'beacon'],
  ]);
  return [
    ...[...inputs].map((name): NamedLine => ({ name, direction: 'input', role: roles.get(name) ?? 'spare' })),
    ...[...outputs].map(
      ([name, safe]): NamedLine => ({
        name,
        direction: 'output',
        role: served.get(name) ?? 'spare',
        safe,
        // A flash lamp takes no more than its own pulse.
        pulse: milliseconds(name === strobe.output ? strobe.onMs : 500),
      }),
    ),
  ];
}
