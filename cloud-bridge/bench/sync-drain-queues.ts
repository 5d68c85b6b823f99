import { join } from 'node:path';
import { systemClock } from '../../device/kernel/clock.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import { type Lane, lanes } from '../contract/outbox.ts';
import type { LinkSession } from '../link/link.ts';
import { openMqttLink } from '../link/mqtt-link.ts';
import { unmetered } from '../unit-end/outbox/data-budget.ts';
import { Drain } from '../unit-end/outbox/drain.ts';
import { Spool } from '../unit-end/outbox/spool.ts';
import { UnitEnd } from '../unit-end/unit-end.ts';
import { countEvent } from './sync-count.ts';
import type { ClientPlace, Job, JobResults } from './sync-jobs.ts';

const clock = systemClock;
const offersAtOnce = 2000;

/** A unit that is connected, and whose queue is full and held back. */
interface FullUnit {
  readonly drain: Drain;
  readonly session: LinkSession;
  close(): Promise<void>;
}

/**
 * Fills a queue on the disk for each place, connects, lets all of them go and waits for the centre's acknowledgement of the last event:
 * reading the queue, the broker, the archive's transaction and the way back are in the figure.
 */
export async function drainQueues(job: Extract<Job, { kind: 'drain' }>): Promise<JobResults['drain']> {
  const { places, folder, events } = job;
  const units: FullUnit[] = [];
  for (const place of places) units.push(await fullUnit(place, join(folder, place.unit), events));
  const stop = new AbortController();
  const before = process.memoryUsage.rss();
  let most = before;
  const begun = performance.now();
  for (const { drain, session } of units) drain.online(session);
  const draining = units.map(({ drain }) => drain.run(stop.signal));
  while (units.some(({ drain }) => lanes.some((lane) => drain.figures.queued[lane] > 0))) {
    await systemTimer.sleep(milliseconds(2));
    most = Math.max(most, process.memoryUsage.rss());
  }
  const ms = performance.now() - begun;
  stop.abort();
  await Promise.all(draining);
  const sum = (pick: (figures: Drain['figures']) => number) =>
    units.reduce((total, { drain }) => total + pick(drain.figures), 0);
  const result = {
    ...{ events: events * places.length, ms, grownBytes: most - before },
    sentMessages: sum(({ sentMessages }) => sentMessages),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    resentEvents: sum(({ resentEvents }) => resentEvents),
  };
  for (const unit of units) await unit.close();
  return result;
}

async function fullUnit(place: ClientPlace, folder: string, events: number): Promise<FullUnit> {
  const { unit, url, ca, cert, key } = place;
  const open = (lane: Lane) => Spool.open(join(folder, lane), { files: systemFiles, lane, random: Math.random, clock });
  const sources = {
    alert: await open('alert'),
    infraction: await open('infraction'),
    telemetry: await open('telemetry'),
  };
  for (let done = 0; done < events; done += offersAtOnce) {
    const some = Math.min(offersAtOnce, events - done);
    await Promise.all(Array.from({ length: some }, (_, i) => sources.telemetry.offer(countEvent(done + i + 1))));
  }
  const arrived = Promise.withResolvers<LinkSession>();
  const end = new UnitEnd({
    ...{ unit, clock, state: () => ({ boot: 'bench' }), checkpoint: () => undefined },
    openLink: (handlers, will) =>
      openMqttLink(
        {
          ...{ url, clientId: unit, protocol: '5', will, clock, timer: systemTimer, random: Math.random },
          ...{ ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) },
          keepAlive: seconds(60),
          sessionExpiry: seconds(3600),
          backoff: { first: milliseconds(500), most: milliseconds(5000) },
          connectDeadline: milliseconds(20_000),
        },
        handlers,
      ),
    inboxes: {
      ack: (ack) => drain.acknowledged(ack),
      desired: async () => {},
      command: async () => {},
      evidenceGet: async () => {},
      cosigned: async () => {},
    },
    online: arrived.resolve,
    offline: (fault) => {
      if (fault !== undefined) process.stderr.write(`${unit}: ${fault.message}\n`);
    },
    refused: () => {},
  });
  const link = end.open();
  const drain = new Drain({
    ...{ unit, link, sources, window: 64, budget: unmetered, clock, timer: systemTimer, random: Math.random },
    resendAfter: milliseconds(30_000),
    onRefused: (lane, sequence, reason) => process.stderr.write(`${unit} ${lane} ${sequence}: ${reason}\n`),
    onFault: (_, fault) => process.stderr.write(`${unit}: ${fault.message}\n`),
  });
  return {
    drain,
    session: await arrived.promise,
    close: async () => {
      await end.close();
      for (const lane of lanes) await sources[lane].close();
    },
  };
}
