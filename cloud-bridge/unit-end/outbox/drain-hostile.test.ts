import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Ack } from '../../contract/events.ts';
import { type Lane, lanes } from '../../contract/outbox.ts';
import { unmetered } from './data-budget.ts';
import { Drain } from './drain.ts';
import { Spool } from './spool.ts';
import { HostileLink } from './testing/hostile-link.ts';
import { ModelCentre } from './testing/model-centre.ts';
import { alertEvent, countEvent, infractionEvent, telemetryEvent } from './testing/sample-events.ts';

const unit = 'unit-7';
const window = 8;
const poison = 'note';

/** Every 13th infraction is refused by the centre. */
const refuses = (data: string) => (data.includes(poison) ? 'its signature is wrong' : undefined);

interface Case {
  readonly random: Random;
  readonly mischief: number;
  /** Bound of the lane of telemetry. */
  readonly mostBytes: number | undefined;
  readonly longest: number | undefined;
  readonly kills: number;
}

/** A unit, its queues and its drain, as they stand after a start. */
class Unit {
  readonly spools: Readonly<Record<Lane, Spool>>;
  readonly drain: Drain;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly refused = new Set<string>();
  readonly faults: string[] = [];

  constructor(spools: Readonly<Record<Lane, Spool>>, link: HostileLink, clock: ManualClock, random: Random) {
    this.spools = spools;
    this.drain = new Drain({
      unit,
      link,
      sources: spools,
      window,
      spared: 0,
      budget: unmetered,
      clock,
      timer: clock,
      random,
      resendAfter: milliseconds(30_000),
      unacknowledgedBytes: 6000,
      onRefused: (lane, sequence) => {
        if (this.refused.has(`${lane}/${sequence}`)) this.faults.push(`${lane}/${sequence} was told twice`);
        this.refused.add(`${lane}/${sequence}`);
      },
      onFault: (lane, fault) => this.faults.push(`${lane}: ${fault.message}`),
    });
    this.#running = this.drain.run(this.#stop.signal);
  }

  async stop(clock: ManualClock): Promise<void> {
    this.#stop.abort();
    await clock.advance(0);
    await this.#running;
  }
}

async function openSpools(files: MemoryFiles, clock: ManualClock, random: Random, { mostBytes }: Case) {
  const open = (lane: Lane) =>
    Spool.open(`/data/${lane}`, {
      files,
      lane,
      random,
      clock,
      ...(lane === 'telemetry' && mostBytes !== undefined ? { mostBytes } : {}),
    });
  return { alert: await open('alert'), infraction: await open('infraction'), telemetry: await open('telemetry') };
}

/** Plays a case to its end; throws at whatever must not be. */
async function play(plan: Case): Promise<{ resent: number; dropped: number; ignored: number; refused: number }> {
  const { random, mischief } = plan;
  const clock = new ManualClock();
  const centre = new ModelCentre(unit, {
    refuses: ({ lane, data }) => (lane === 'infraction' ? refuses(data) : undefined),
  });
  const session = () => ({
    protocol: '5' as const,
    receiveMaximum: random() < 0.3 ? 3 : 65_535,
    maximumPacketSize: plan.longest,
    sharedSubscriptions: true,
    resumed: false,
  });
  let current: Unit | undefined;
  let files = new MemoryFiles();
  const link = new HostileLink(random, {
    online: (granted) => current?.drain.online(granted),
    offline: () => current?.drain.offline(),
    delivered: (topic, payload) => centre.take(topic, payload),
  });
  /** What was promised: lane and sequence, and the number of the event. */
  const promised = new Map<string, { readonly lane: Lane; readonly sequence: number; readonly number: number }>();
  const acks: Ack[] = [];
  let number = 0;
  const sums = { resent: 0, dropped: 0, ignored: 0, refused: 0 };

  const offer = (unitNow: Unit, lane: Lane) => {
    number += 1;
    const own = number;
    const padding = random() < 0.05 ? 3000 : Math.floor(random() * 200);
    const event = {
      alert: () => alertEvent(own, padding),
      infraction: () => infractionEvent(own, own % 13 === 0 ? 1 : 0),
      telemetry: () => (random() < 0.7 ? countEvent(own, padding) : telemetryEvent(own, padding)),
    }[lane]();
    const stored = unitNow.spools[lane].offer(event).then((sequence) => {
      promised.set(`${lane}/${sequence}`, { lane, sequence, number: own });
    });
    stored.catch(() => undefined);
  };

  const forged = (): Ack => {
    const lane = lanes[Math.floor(random() * 3)] ?? 'alert';
    const spool = current?.spools[lane];
    const stream = spool?.stream ?? 'f'.repeat(32);
    if (random() < 0.5) return { marks: [{ lane, stream: '0123456789abcdef', upTo: 5 }] };
    return {
      marks: [{ lane, stream, upTo: (spool?.last ?? 0) + 1 + Math.floor(random() * 5) }],
      refused: [{ lane, stream, sequence: (spool?.last ?? 0) + 3, reason: 'not yet there' }],
    };
  };

  for (let life = 0; life <= plan.kills; life += 1) {
    const unitNow = new Unit(await openSpools(files, clock, random, plan), link, clock, random);
    current = unitNow;
    for (let step = 0; step < 150; step += 1) {
      const draw = random();
      if (draw < 0.35) offer(unitNow, lanes[Math.floor(random() * 3)] ?? 'alert');
      else if (draw < 0.65) link.step(mischief);
      else if (draw < 0.75) acks.push(...[centre.ack()].filter((ack) => ack !== undefined));
      else if (draw < 0.85) {
        const [ack] = acks.splice(Math.floor(random() * acks.length), 1);
        if (ack !== undefined && random() < 1 - mischief / 2) unitNow.drain.acknowledged(ack);
        if (ack !== undefined && random() < mischief / 2) acks.push(ack);
      } else if (draw < 0.88 && random() < mischief) unitNow.drain.acknowledged(forged());
      else if (draw < 0.92 && random() < mischief) link.cut();
      else if (draw < 0.98) link.connect(session());
      await clock.advance(random() < 0.05 ? 20_000 : random() * 40);
    }
    if (life === plan.kills) break;
    sums.resent += unitNow.drain.figures.resentEvents;
    // The power goes: what the spool wrote and did not sync may be gone, the link is down.
    current = undefined;
    link.cut();
    files = files.survivors(random);
    await unitNow.stop(clock);
  }

  // From here on all is well, and everything has to arrive.
  const unitNow = current;
  if (unitNow === undefined) throw new Error('no unit');
  link.cut();
  link.connect(session());
  for (let step = 0; step < 3000; step += 1) {
    await clock.advance(step % 50 === 0 ? 31_000 : 5);
    for (let i = 0; i < 4; i += 1) link.step(0);
    const ack = centre.ack();
    if (ack !== undefined) unitNow.drain.acknowledged(ack);
    const { queued } = unitNow.drain.figures;
    if (link.inFlight === 0 && lanes.every((lane) => queued[lane] === 0 || onlyRefused(unitNow, lane))) break;
  }
  await clock.advance(10);
  const { figures } = unitNow.drain;
  await unitNow.stop(clock);

  const wrong = (what: string) => new Error(`${what}; ${JSON.stringify(figures)}`);
  if (link.violation !== undefined) throw wrong(link.violation);
  if (link.most > window) throw wrong(`${link.most} in flight`);
  if (figures.inFlight !== 0 || figures.inFlightBytes !== 0) throw wrong('something is in flight for ever');
  if (unitNow.faults.length > 0) throw wrong(unitNow.faults.join());
  for (const { lane, sequence, number: own } of promised.values()) {
    const event = centre.events(lane).find((one) => one.sequence === sequence);
    if (lane === 'infraction' && own % 13 === 0) {
      if (event !== undefined) throw wrong(`${sequence} was refused and is there`);
    } else if (event === undefined) {
      const declared = centre.events(lane).some((one) => one.previous < sequence && sequence < one.sequence);
      if (lane !== 'telemetry' || plan.mostBytes === undefined || !declared) throw wrong(`${lane}/${sequence} is lost`);
      sums.dropped += 1;
    }
  }
  for (const lane of lanes) {
    const last = unitNow.spools[lane].last;
    const upTo = centre.ack()?.marks.find((mark) => mark.lane === lane)?.upTo ?? 0;
    if (upTo < last && !onlyRefused(unitNow, lane)) throw wrong(`${lane} is linked up to ${upTo} of ${last}`);
  }
  if (sums.dropped > unitNow.spools.telemetry.dropped) throw wrong('more is missing than was dropped');
  return {
    ...sums,
    resent: sums.resent + figures.resentEvents,
    ignored: figures.ignoredAcks,
    refused: figures.refused,
  };
}

/** Everything that the centre has not acknowledged is what it will not take. */
function onlyRefused({ spools, refused, drain }: Unit, lane: Lane): boolean {
  const { last } = spools[lane];
  const open = drain.figures.queued[lane];
  return Array.from({ length: open }, (_, i) => last - i).every((sequence) => refused.has(`${lane}/${sequence}`));
}

test('over a hostile link, through kills of the unit, every event arrives, linked and in order, once after doubles are told', async (t) => {
  const sums = { resent: 0, dropped: 0, ignored: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.constantFrom(0, 0.2, 0.6),
      fc.constantFrom(undefined, 16_000),
      fc.constantFrom(undefined, 1400),
      fc.nat(2),
      async (seed, mischief, mostBytes, longest, kills) => {
        const found = await play({ random: seededRandom(seed), mischief, mostBytes, longest, kills });
        for (const key of ['resent', 'dropped', 'ignored', 'refused'] as const) sums[key] += found[key];
      },
    ),
    { numRuns: 250, includeErrorInReport: true },
  );
  t.log(sums);
  t.true(sums.resent > 100 && sums.dropped > 10 && sums.ignored > 10 && sums.refused > 10);
});
