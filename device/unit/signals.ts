import { writeFile } from 'node:fs/promises';
import type { Config } from '../config/config-schema.ts';
import type { PhaseSource } from '../judge/phase.ts';
import { SchedulePhases } from '../judge/schedule-phase.ts';
import type { Clock } from '../kernel/clock.ts';
import { type AtalayaError, explain } from '../kernel/errors.ts';
import { systemTimer } from '../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds } from '../kernel/units.ts';
import type { Scene } from '../scene/scene.ts';
import { LineActivity } from '../signal/line-activity.ts';
import { openLines } from '../signal/line-settings.ts';
import { InputPhaseSource } from '../signal/phase-input.ts';
import { SensorInputs, type SensorOptions } from '../signal/sensor-inputs.ts';
import { Signaller } from '../signal/signaller.ts';
import { SimulatedLines } from '../signal/simulated-lines.ts';
import { namedLines, wiringOf } from './lines.ts';

export interface Signals {
  readonly signaller: Signaller;
  readonly phases: PhaseSource;
  /** Door and tamper as they stand now. */
  readonly sensors: SensorInputs;
  /** Every line as it stands, for whoever tests them. */
  readonly activity: LineActivity;
  /** Makes every output safe and lets the lines go; never throws, and may be called twice. */
  close(): Promise<void>;
}

/**
 * Opens the lines, the signaller on its outputs, and the phases: heads that the scene wires to input lines are read from these, all
 * others from the scene's schedule. `live`: the configuration as it is in force at the moment. `timeline`: the file to which the simulated lines write what happened on them.
 */
export async function openSignals(
  live: () => Config,
  scene: Scene,
  clock: Clock,
  timeline: string,
  onFault: (fault: AtalayaError) => void,
  onInput: Pick<SensorOptions, 'onSensor' | 'onPassage'>,
): Promise<Signals> {
  const { signal } = live();
  const wirings = scene.signals.flatMap(wiringOf);
  const inputs = new Set(
    wirings.flatMap(({ red, amber, green }) => [red, amber, green].filter((name) => name !== undefined)),
  );
  const lines = await openLines(
    signal.lines,
    { outputs: [signal.beacon.output, signal.strobe.output], inputs: [...inputs] },
    { clock, timer: systemTimer, random: Math.random, onFault },
  );
  const often = { clock, timer: systemTimer, checkEvery: toMilliseconds(seconds(1)) };
  const wired = await orClose(
    InputPhaseSource.open(lines, wirings, { ...often, staleAfter: toMilliseconds(seconds(3)) }),
    lines,
  );
  const sensors = await orClose(SensorInputs.open(lines, signal.lines.sensors, { ...often, ...onInput }), wired, lines);
  const activity = LineActivity.open(lines, namedLines({ signal }, scene), { ...often, deadline: often.checkEvery });
  const scheduled = new SchedulePhases(scene.signals);
  const byInput = new Set(wirings.map(({ head }) => head));
  const signaller = new Signaller(
    lines,
    // Live: durations are those in force when an infraction is shown; the lines themselves stay.
    {
      beacon: {
        output: signal.beacon.output,
        get duration() {
          return milliseconds(live().signal.beacon.onMs);
        },
      },
      strobe: {
        output: signal.strobe.output,
        get pulse() {
          return milliseconds(live().signal.strobe.onMs);
        },
        get rest() {
          return milliseconds(live().signal.strobe.restMs);
        },
        get enabled() {
          return live().flags.strobe;
        },
      },
      deadline: milliseconds(signal.deadlineMs),
    },
    clock,
    systemTimer,
    onFault,
  );
  let closed = false;
  return {
    signaller,
    sensors,
    activity,
    phases: {
      phaseAt: (head, time, elapsed) => (byInput.has(head) ? wired : scheduled).phaseAt(head, time, elapsed),
    },
    close: async () => {
      await signaller.stop();
      if (closed) return;
      closed = true;
      activity.close();
      await Promise.all([wired.close(), sensors.close()]);
      await lines.close();
      if (!(lines instanceof SimulatedLines)) return;
      const text = lines.timeline.map((event) => `${JSON.stringify(event)}\n`).join('');
      await writeFile(timeline, text).catch((error: unknown) =>
        console.error(`${timeline} was not written: ${explain(error)}`),
      );
    },
  };
}

/** What was opened before is closed where this cannot be opened: a process of its own may hold the lines, and would go on. */
async function orClose<T>(opening: Promise<T>, ...before: readonly { close(): Promise<void> }[]): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    for (const one of before) await one.close();
    throw error;
  }
}
