import { setTimeout as wait } from 'node:timers/promises';
import type { ChaosParts } from './chaos-parts.ts';
import type { Fault, Station } from './faults.ts';

/** Of outages that stand for loss where nothing can be done to packets: how long one is, and the pieces of time that each may fill. */
const flapMs = 60;
const flapEveryMs = 300;

/** Does one fault to the parts, and heals what it did when it is over. */
export async function breakParts(parts: ChaosParts, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      await parts.kill(fault.party);
      await wait(fault.ms);
      return parts.start(fault.party);
    case 'kill-broker':
      await parts.killBroker();
      await wait(fault.ms);
      return parts.startBroker(fault.forgetful);
    case 'freeze':
      parts.signal(fault.party, 'SIGSTOP');
      await wait(fault.ms);
      return parts.signal(fault.party, 'SIGCONT');
    case 'cut':
      return parts.lines.get(fault.line)?.cut();
    case 'cut-mid-message':
      return parts.lines.get(fault.line)?.cutAfter(fault.way, fault.bytes);
    case 'line-down':
      await takeDown(parts, fault.line, true);
      await wait(fault.ms);
      return takeDown(parts, fault.line, false);
    case 'delay':
      if (parts.network.can.delay) await parts.network.delay(fault.line, fault.delayMs, fault.jitterMs);
      else parts.lines.get(fault.line)?.delay(fault.delayMs, fault.jitterMs);
      return healAfter(parts, fault.line, fault.ms);
    case 'loss':
      if (!parts.network.can.loss) return flap(parts, fault.line, fault.percent, fault.ms);
      await parts.network.loss(fault.line, fault.percent);
      return healAfter(parts, fault.line, fault.ms);
    case 'rate':
      if (parts.network.can.rate) await parts.network.rate(fault.line, fault.kbit);
      else parts.lines.get(fault.line)?.limit(fault.kbit);
      return healAfter(parts, fault.line, fault.ms);
    case 'burst':
      return parts.tell(fault.unit, `burst ${fault.lane} ${fault.count}`);
  }
}

/** Whose way to the centre a fault is in; a burst is in nobody's. */
export function touchedBy(fault: Fault, units: readonly Station[]): readonly Station[] {
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
      return fault.party === 'bridge' || fault.party === 'broker' ? units : [fault.party];
    case 'kill-broker':
      return units;
    case 'cut':
    case 'cut-mid-message':
    case 'line-down':
    case 'delay':
    case 'loss':
    case 'rate':
      return fault.line === 'bridge' ? units : [fault.line];
    case 'burst':
      return [];
  }
}

async function healAfter(parts: ChaosParts, line: Station, ms: number): Promise<void> {
  await wait(ms);
  await parts.network.unshape(line);
  parts.lines.get(line)?.heal();
}

async function takeDown(parts: ChaosParts, line: Station, down: boolean): Promise<void> {
  if (parts.network.can.down) await parts.network.down(line, down);
  else parts.lines.get(line)?.stall(down);
}

/** Short outages that make up such a part of the time. */
async function flap(parts: ChaosParts, line: Station, percent: number, ms: number): Promise<void> {
  const outage = Math.max(flapMs, (flapEveryMs * percent) / 100);
  const pause = (outage * (100 - percent)) / percent;
  for (let left = ms; left > 0; left -= outage + pause) {
    await takeDown(parts, line, true);
    await wait(outage);
    await takeDown(parts, line, false);
    await wait(pause);
  }
}
