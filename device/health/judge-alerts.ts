import { createHash } from 'node:crypto';
import type { Alert } from '../../cloud-bridge/contract/events.ts';
import { type Milliseconds, toIso, type UtcMilliseconds } from '../kernel/units.ts';
import { type AlertName, type AlertRule, alertNames, alertRules, type Reading } from './alert-rules.ts';
import type { HealthFacts, HealthLimits, Level } from './health-facts.ts';

/** An alert that is raised or critical. */
export interface OpenAlert {
  readonly name: AlertName;
  readonly subject: string;
  readonly id: string;
  readonly state: 'raised' | 'critical';
  /** ISO 8601 UTC: when this state began. */
  readonly since: string;
  /** As it was when this state began. */
  readonly detail: string;
  readonly figures?: Alert['figures'];
  /** As it was at the last look at which it held; absent before the first look after a restart. */
  readonly now?: string;
}

/** A change that has not lasted long enough to count. */
interface Pending {
  readonly worse: boolean;
  /** Monotonic, in ms. */
  readonly from: number;
}

export interface AlertState {
  /** By `name/subject`. */
  readonly open: ReadonlyMap<string, OpenAlert>;
  readonly pending: ReadonlyMap<string, Pending>;
  readonly counted: ReadonlyMap<AlertName, number>;
}

export interface Judgement {
  readonly state: AlertState;
  /** Every change, in the order of the closed list of names. */
  readonly changes: readonly Alert[];
}

export interface JudgedAt {
  readonly unit: string;
  readonly utc: UtcMilliseconds;
  readonly monotonic: Milliseconds;
}

export const noAlerts: AlertState = { open: new Map(), pending: new Map(), counted: new Map() };

const rank: Readonly<Record<Level, number>> = { good: 0, raised: 1, critical: 2 };

/**
 * What one look at the unit changes in its alerts. Pure: the same state, facts and time give the same judgement.
 *
 * An alert is raised, becomes critical, may become less again, and is closed, under one id. Each change has to last as long as its rule
 * says; what is not known changes nothing. After a restart the times begin anew, and an alert whose cause is gone is closed.
 */
export function judgeAlerts(state: AlertState, facts: HealthFacts, limits: HealthLimits, at: JudgedAt): Judgement {
  const open = new Map(state.open);
  const pending = new Map(state.pending);
  const counted = new Map(state.counted);
  const changes: Alert[] = [];
  for (const name of alertNames) {
    const rule = alertRules[name];
    const before = (subject = ''): Level => state.open.get(keyOf(name, subject))?.state ?? 'good';
    const readings = rule.read({ facts, limits, utc: at.utc, before, counted: counted.get(name) });
    const count = rule.count?.(facts);
    if (count !== undefined) counted.set(name, count);
    if (readings === undefined) continue;
    for (const [subject, reading] of withThoseGone(name, readings, state.open)) {
      const key = keyOf(name, subject);
      const was = open.get(key);
      const next = settled(rule, reading.level, was?.state ?? 'good', pending.get(key), at.monotonic);
      if (next.pending === undefined) pending.delete(key);
      else pending.set(key, next.pending);
      if (next.level === (was?.state ?? 'good')) {
        // What is said of a good reading need not be true of it: some rules have one sentence for both.
        if (was !== undefined && reading.level !== 'good') open.set(key, { ...was, now: reading.detail });
        continue;
      }
      const change = changed(name, subject, was, next.level, reading, at);
      if (change.state === 'closed') open.delete(key);
      else open.set(key, { ...change, state: change.state, name, subject, now: change.detail });
      changes.push(change);
    }
  }
  return { state: { open, pending, counted }, changes };
}

const keyOf = (name: AlertName, subject: string): string => `${name}/${subject}`;

/** The worst reading of each subject, and of those that are open and were not mentioned that they are good. */
function withThoseGone(
  name: AlertName,
  readings: readonly Reading[],
  open: ReadonlyMap<string, OpenAlert>,
): ReadonlyMap<string, Reading> {
  const all = new Map<string, Reading>();
  for (const reading of readings) {
    const { subject = '' } = reading;
    const other = all.get(subject);
    if (other === undefined || rank[reading.level] > rank[other.level]) all.set(subject, reading);
  }
  for (const { name: its, subject, detail } of open.values()) {
    if (its === name && !all.has(subject)) all.set(subject, { level: 'good', detail });
  }
  return all;
}

/** The level that counts now, and what is still to last. A wish that turns round begins anew. */
function settled(
  { patience, relief }: AlertRule,
  wanted: Level,
  now: Level,
  pending: Pending | undefined,
  monotonic: number,
): { readonly level: Level; readonly pending?: Pending } {
  if (wanted === now) return { level: now };
  const worse = rank[wanted] > rank[now];
  const from = pending?.worse === worse ? pending.from : monotonic;
  return monotonic - from >= (worse ? patience : relief) ? { level: wanted } : { level: now, pending: { worse, from } };
}

function changed(
  name: AlertName,
  subject: string,
  was: OpenAlert | undefined,
  level: Level,
  { detail, figures }: Reading,
  { unit, utc }: JudgedAt,
): Alert {
  const since = toIso(utc);
  return {
    id: was?.id ?? idOf(unit, name, subject, since),
    name,
    state: level === 'good' ? 'closed' : level,
    since,
    detail: level === 'good' ? `over: ${was?.detail ?? detail}` : detail,
    ...(figures === undefined || level === 'good' ? {} : { figures }),
  };
}

/** Derived, so that a judgement made twice is one alert. */
const idOf = (unit: string, name: AlertName, subject: string, since: string): string =>
  `${name}-${createHash('sha256').update(`${unit}\n${name}\n${subject}\n${since}`).digest('hex').slice(0, 20)}`;
