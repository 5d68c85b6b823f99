import { toIso, type UtcMilliseconds } from '../kernel/units.ts';
import type { HealthReport, Probe, ProbeName, ProbeState } from './contract/health-report.ts';
import { probeNames } from './contract/health-report.ts';
import { type Band, type HealthFacts, type HealthLimits, levelIn } from './health-facts.ts';
import type { OpenAlert } from './judge-alerts.ts';

export interface HealthParts {
  readonly unit: string;
  readonly software: string;
  readonly utc: UtcMilliseconds;
  readonly facts: HealthFacts;
  readonly limits: HealthLimits;
  readonly alerts: Iterable<Pick<OpenAlert, 'name' | 'state' | 'detail' | 'now'> & Partial<Pick<OpenAlert, 'since'>>>;
}

/** Alerts that mean that this unit does not do its work: it sees, judges or seals nothing. */
const fatal: ReadonlySet<OpenAlert['name']> = new Set(['camera-lost', 'detector-failed', 'evidence-refused']);
/** Alerts that say nothing of the unit's health. */
const elsewhere: ReadonlySet<OpenAlert['name']> = new Set(['watch-list']);

/**
 * How the unit is now, as it is: without the patience of alerts. A unit without a network works, so it is `degraded` and no more.
 */
export function judgeHealth({ unit, software, utc, facts, limits, alerts }: HealthParts): HealthReport {
  const probes: Record<ProbeName, Probe> = {
    camera: camera(facts, limits),
    clock: clock(facts),
    disk: disk(facts, limits),
    memory: memory(facts, limits),
    broker: broker(facts),
  };
  const own = [...alerts].filter(({ name }) => !elsewhere.has(name));
  const found = probeNames.map((name) => probes[name].state);
  const failed = found.includes('failed') || own.some(({ name, state }) => state === 'critical' && fatal.has(name));
  const degraded = found.includes('degraded') || own.length > 0;
  return {
    status: failed ? 'failed' : degraded ? 'degraded' : 'good',
    at: toIso(utc),
    unit,
    software,
    probes,
    problems: [
      ...probeNames
        .filter((name) => probes[name].state === 'degraded' || probes[name].state === 'failed')
        .map((name) => `${name}: ${probes[name].detail}`),
      ...own.map(
        ({ name, state, detail, now = detail, since }) =>
          `${name} (${state}${since === undefined ? '' : ` since ${since}`}): ${now}`,
      ),
    ],
  };
}

const unknown: Probe = { state: 'unknown', detail: 'not known' };

function camera({ camera }: HealthFacts, limits: HealthLimits): Probe {
  if (camera === undefined) return unknown;
  const seconds = (camera.silent / 1000).toFixed(1);
  const detail = camera.detail === undefined ? '' : `: ${camera.detail}`;
  if (camera.silent < limits.camera.raise) {
    return {
      state: 'good',
      detail: camera.none ? `no frame yet, after ${seconds} s` : `newest frame ${seconds} s ago`,
    };
  }
  return { state: 'failed', detail: `no frame for ${seconds} s${detail}` };
}

function clock({ clock }: HealthFacts): Probe {
  if (clock === undefined) return unknown;
  if (!clock.dated) return { state: 'degraded', detail: 'nothing states the date' };
  return clock.synchronised
    ? { state: 'good', detail: 'synchronised' }
    : { state: 'degraded', detail: 'no time source disciplines the clock' };
}

function disk({ disk }: HealthFacts, limits: HealthLimits): Probe {
  if (disk === undefined || disk.totalBytes <= 0) return unknown;
  const used = 1 - disk.freeBytes / disk.totalBytes;
  return {
    state: stateIn(limits.disk, used),
    detail: `${(disk.freeBytes / 1e9).toFixed(1)} GB free of ${(disk.totalBytes / 1e9).toFixed(1)}`,
  };
}

function memory({ memory }: HealthFacts, limits: HealthLimits): Probe {
  if (memory === undefined || memory.totalBytes <= 0) return unknown;
  const used = memory.usedBytes / memory.totalBytes;
  return { state: stateIn(limits.memory, used), detail: `${(used * 100).toFixed(0)} % in use` };
}

function broker({ broker }: HealthFacts): Probe {
  if (broker === undefined) return unknown;
  if (broker.offline === undefined) return { state: 'good', detail: 'connected' };
  const detail = broker.detail === undefined ? '' : `: ${broker.detail}`;
  return { state: 'degraded', detail: `no connection for ${(broker.offline / 1000).toFixed(0)} s${detail}` };
}

const states = { good: 'good', raised: 'degraded', critical: 'failed' } as const;

const stateIn = (band: Band, value: number): ProbeState => states[levelIn(band, value, 'good')];
