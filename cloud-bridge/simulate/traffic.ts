import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import { type Milliseconds, milliseconds, toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import type { Alert, AlertState, Telemetry } from '../contract/events.ts';
import type { OutboxEvent } from '../contract/outbox.ts';

const classes = [
  ['car', 0.72],
  ['truck', 0.1],
  ['motorcycle', 0.08],
  ['bus', 0.05],
  ['bicycle', 0.05],
] as const;

/** Rules that need no map of the road, which a made-up scene does not have. */
const rules = [
  ['red-light', 0.55],
  ['restricted-lane', 0.25],
  ['blocked-box', 0.15],
  ['wrong-way', 0.05],
] as const;

const troubles = [
  ['temperature-high', 'The processor is hot.'],
  ['disk-nearly-full', 'The disk of the evidence is nearly full.'],
  ['memory-high', 'Little memory is left.'],
  ['clock-unreliable', 'No time source disciplines the clock.'],
  ['camera-lost', 'The camera delivers no frames.'],
] as const;

/** Shares of what happens; what is left are vehicles that are counted. */
const shares = { infraction: 0.06, alert: 0.02, telemetry: 0.08 } as const;

export type RoadUser = (typeof classes)[number][0];

/** What a made-up vehicle did. */
export interface SeenInfraction {
  readonly rule: (typeof rules)[number][0];
  readonly class: RoadUser;
  readonly lane: 'left' | 'right';
  /** For how long, or how long ago, in seconds; of `wrong-way` the way it went, in pixels. */
  readonly figure: number;
  /** Number of the track, and of the frame at which it is charged. */
  readonly track: number;
  readonly frame: number;
}

interface SeenEvent {
  readonly kind: 'event';
  readonly event: OutboxEvent;
}

export type Happening = SeenEvent | { readonly kind: 'infraction'; readonly seen: SeenInfraction };

/** What goes into the telemetry besides what is made up. */
export interface KnownFigures {
  readonly uptimeS: number;
  readonly sync: NonNullable<Telemetry['sync']>;
}

interface OpenTrouble {
  readonly id: string;
  readonly trouble: (typeof troubles)[number];
  state: AlertState;
}

/**
 * One made-up crossing: what its camera would see, drawn from a source of randomness, so that the same source gives the same traffic.
 * Alerts are told as units tell them: each raised, perhaps critical, then closed, under one id.
 */
export class Traffic {
  readonly #random: Random;
  readonly #names: Random;
  readonly #open: OpenTrouble[] = [];
  #begun = false;
  #frame = 0;
  #track = 0;
  #infractions = 0;
  #detections = 0;
  #temperature = 52;

  /** `names`: for the ids of alerts, which nobody has given before, whatever the traffic. */
  constructor(random: Random, names: Random) {
    this.#random = random;
    this.#names = names;
  }

  /** Until the next vehicle, at so many events a minute: vehicles come independently of one another. */
  gap(perMinute: number): Milliseconds {
    const gap = milliseconds((-Math.log(1 - this.#random()) * 60_000) / perMinute);
    this.#frame += Math.max(1, Math.round(gap / 66));
    return gap;
  }

  /** `sees`: share of what passes that the unit sees. Undefined for what it does not. */
  next(now: UtcMilliseconds, known: () => KnownFigures, sees = 1): Happening | undefined {
    // A unit tells its figures first.
    if (!this.#begun) {
      this.#begun = true;
      return this.figures(now, known());
    }
    const draw = this.#random();
    if (sees < 1 && isVehicle(draw) && this.#names() >= sees) return undefined;
    if (draw < shares.infraction) return { kind: 'infraction', seen: this.#infraction() };
    if (draw < shares.infraction + shares.alert) return event('alert', now, this.#alert(now));
    const more = shares.infraction + shares.alert + shares.telemetry;
    if (draw < more) return this.figures(now, known());
    const [line, direction] = this.#random() < 0.55 ? ['north', 'inbound'] : ['south', 'outbound'];
    return event('count', now, { line, direction, class: this.#roadUser(), dated: true });
  }

  /** Figures of machine and pipeline. */
  figures(now: UtcMilliseconds, known: KnownFigures): SeenEvent {
    return event('telemetry', now, this.#telemetry(known));
  }

  #roadUser(): RoadUser {
    this.#track += 1;
    this.#detections += 1;
    return this.#pick(classes);
  }

  #infraction(): SeenInfraction {
    const rule = this.#pick(rules);
    const spread = this.#random() ** 2;
    const figure =
      rule === 'wrong-way' ? 120 + spread * 400 : rule === 'blocked-box' ? 8 + spread * 40 : 0.5 + spread * 6;
    this.#infractions += 1;
    return {
      rule,
      class: this.#roadUser(),
      lane: this.#random() < 0.5 ? 'left' : 'right',
      figure: Math.round(figure * 100) / 100,
      track: this.#track,
      frame: this.#frame,
    };
  }

  #alert(now: UtcMilliseconds): Alert {
    const since = toIso(now);
    const open = this.#random() < 0.6 ? this.#open[0] : undefined;
    if (open !== undefined) {
      open.state = open.state === 'raised' && this.#random() < 0.3 ? 'critical' : 'closed';
      if (open.state === 'closed') this.#open.shift();
      return { id: open.id, name: open.trouble[0], state: open.state, since, detail: open.trouble[1] };
    }
    const trouble = troubles[Math.floor(this.#random() * troubles.length)] ?? troubles[0];
    const id = Array.from({ length: 16 }, () => Math.floor(this.#names() * 16).toString(16)).join('');
    this.#open.push({ id, trouble, state: 'raised' });
    return { id, name: trouble[0], state: 'raised', since, detail: trouble[1] };
  }

  #telemetry({ uptimeS, sync }: KnownFigures): Telemetry {
    const random = this.#random;
    this.#temperature = Math.min(84, Math.max(38, this.#temperature + (random() - 0.5) * 4));
    const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
    return {
      uptimeS: round(uptimeS, 1),
      machine: {
        cpuLoad: round(0.35 + random() * 0.3, 3),
        temperatureC: round(this.#temperature, 1),
        throttled: this.#temperature > 80,
        memoryUsedBytes: 900_000_000 + Math.round(random() * 200_000_000),
        memoryTotalBytes: 4_000_000_000,
        diskFreeBytes: 90_000_000_000 - this.#frame * 1000,
        diskTotalBytes: 120_000_000_000,
      },
      pipeline: {
        framesProcessed: this.#frame,
        framesSkipped: Math.floor(this.#frame / 500),
        framesPerSecond: round(14.6 + random() * 0.4, 2),
        inferenceMs: round(18 + random() * 6, 2),
        tracksLive: Math.floor(random() * 6),
        detections: this.#detections,
        infractions: this.#infractions,
      },
      sync,
    };
  }

  #pick<T>(from: readonly (readonly [T, number])[]): T {
    let draw = this.#random();
    for (const [value, share] of from) {
      draw -= share;
      if (draw < 0) return value;
    }
    return (from[0] as readonly [T, number])[0];
  }
}

const isVehicle = (draw: number): boolean =>
  draw < shares.infraction || draw >= shares.infraction + shares.alert + shares.telemetry;

function event(kind: OutboxEvent['kind'], time: UtcMilliseconds, data: object): SeenEvent {
  return { kind: 'event', event: { kind, time, data: data as JsonValue } };
}
