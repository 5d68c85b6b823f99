import type { Alert } from '../../cloud-bridge/contract/events.ts';
import { toIso, type UtcMilliseconds } from '../kernel/units.ts';
import { type HealthFacts, type HealthLimits, type Level, levelIn } from './health-facts.ts';

/** Everything that a unit raises an alert about. */
export const alertNames = [
  'camera-lost',
  'detector-failed',
  'evidence-refused',
  'disk-nearly-full',
  'memory-high',
  'temperature-high',
  'throttled',
  'power-low',
  'clock-unreliable',
  'broker-unreachable',
  'certificate-expiring',
  'certificate-renewal',
  'store-set-aside',
  'camera-moved',
  'housing-open',
  'tampered',
  'config-rolled-back',
  'plate-reader-failed',
  'degraded',
  'watch-list',
] as const;
export type AlertName = (typeof alertNames)[number];

/** What one look says of one state of affairs. */
export interface Reading {
  /** Where one alert's name stands for several: which certificate, which list. */
  readonly subject?: string;
  readonly level: Level;
  /** For a person; never a plate. */
  readonly detail: string;
  readonly figures?: NonNullable<Alert['figures']>;
}

export interface Look {
  readonly facts: HealthFacts;
  readonly limits: HealthLimits;
  readonly utc: UtcMilliseconds;
  /** The level that the alert about this subject has now. */
  readonly before: (subject?: string) => Level;
  /** What this rule counted at the last look; `undefined` at the first. */
  readonly counted: number | undefined;
}

export interface AlertRule {
  /**
   * How it stands now; `undefined` where it is not known. A subject that was open and is not mentioned is good.
   */
  readonly read: (look: Look) => readonly Reading[] | undefined;
  /** A count of which an increase matters. */
  readonly count?: (facts: HealthFacts) => number | undefined;
  /** How long it must be worse before the alert is raised or becomes critical, in ms. */
  readonly patience: number;
  /** How long it must be better before the alert is closed or becomes less, in ms. */
  readonly relief: number;
}

const minute = 60_000;
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
const since = (time: number): string =>
  time < 2 * minute ? `${Math.round(time / 1000)} s` : `${Math.round(time / minute)} min`;
const longest = 300;
/** Words of a fault: a source's URL may carry a name and a password. */
const words = (detail: string): string => detail.replace(/\/\/[^/@\s]+@/g, '//').slice(0, longest);
const because = (detail: string | undefined): string => (detail === undefined ? '' : `: ${words(detail)}`);

const failure = (fault: string | null, says: string): readonly Reading[] => [
  { level: fault === null ? 'good' : 'critical', detail: fault === null ? '' : `${says}: ${words(fault)}` },
];

/** Somebody signs requests now and then: a quarter of the time that is left is theirs. */
function renewalReading(renewal: NonNullable<HealthFacts['renewal']>, utc: UtcMilliseconds): Reading {
  const { due, until, isAsked, refused, problem } = renewal;
  if (problem !== undefined) return { level: 'raised', detail: words(problem) };
  if (isAsked && refused !== undefined) {
    return { level: 'raised', detail: words(`the grant of the next certificate was refused: ${refused}`) };
  }
  const detail = `the next certificate is asked for since ${toIso(due).slice(0, 10)}, and nobody has answered`;
  return { level: isAsked && utc >= due + (until - due) / 4 ? 'raised' : 'good', detail };
}

/** One rule an alert. */
export const alertRules: Readonly<Record<AlertName, AlertRule>> = {
  'camera-lost': {
    read: ({ facts: { camera }, limits }) =>
      camera && [
        {
          level:
            camera.silent >= limits.camera.critical
              ? 'critical'
              : camera.silent >= limits.camera.raise
                ? 'raised'
                : 'good',
          detail: `no frame for ${since(camera.silent)}${because(camera.detail)}`,
          figures: { silentS: Math.round(camera.silent / 1000) },
        },
      ],
    patience: 0,
    relief: 10_000,
  },
  'detector-failed': {
    read: ({ facts: { detector } }) => detector && failure(detector.fault, 'no frame is judged'),
    patience: 0,
    relief: 10_000,
  },
  'evidence-refused': {
    count: ({ evidence }) => evidence?.refused,
    read: ({ facts: { evidence }, counted }) => {
      if (evidence === undefined) return undefined;
      if (evidence.fault !== undefined) return failure(evidence.fault, 'nothing can be sealed');
      const more = evidence.refused - (counted ?? 0);
      const detail = `${evidence.refused} infractions could not be sealed since the start`;
      return [{ level: more > 0 ? 'raised' : 'good', detail, figures: { refused: evidence.refused } }];
    },
    patience: 0,
    relief: 60 * minute,
  },
  'disk-nearly-full': {
    read: ({ facts: { disk }, limits, before }) => {
      if (disk === undefined || disk.totalBytes <= 0) return undefined;
      const used = 1 - disk.freeBytes / disk.totalBytes;
      const detail = `${percent(used)} of the disk is in use, ${gigabytes(disk.freeBytes)} are free`;
      const figures = { freeBytes: disk.freeBytes, totalBytes: disk.totalBytes };
      return [{ level: levelIn(limits.disk, used, before()), detail, figures }];
    },
    patience: 30_000,
    relief: minute,
  },
  'memory-high': {
    read: ({ facts: { memory }, limits, before }) => {
      if (memory === undefined || memory.totalBytes <= 0) return undefined;
      const used = memory.usedBytes / memory.totalBytes;
      const detail = `${percent(used)} of the memory is in use`;
      const figures = { usedBytes: memory.usedBytes, totalBytes: memory.totalBytes };
      return [{ level: levelIn(limits.memory, used, before()), detail, figures }];
    },
    patience: minute,
    relief: 2 * minute,
  },
  'temperature-high': {
    read: ({ facts: { temperatureC }, limits, before }) =>
      temperatureC === undefined
        ? undefined
        : [
            {
              level: levelIn(limits.temperature, temperatureC, before()),
              detail: `the processor has ${temperatureC.toFixed(0)} degrees`,
              figures: { temperatureC },
            },
          ],
    patience: 30_000,
    relief: 2 * minute,
  },
  throttled: {
    read: ({ facts: { throttled } }) =>
      throttled === undefined
        ? undefined
        : [{ level: throttled ? 'raised' : 'good', detail: 'the processor is held back by heat or supply' }],
    patience: 30_000,
    relief: 5 * minute,
  },
  'power-low': {
    read: ({ facts: { underVoltage } }) =>
      underVoltage === undefined
        ? undefined
        : [{ level: underVoltage ? 'raised' : 'good', detail: 'the supply voltage is too low' }],
    patience: 5000,
    relief: 5 * minute,
  },
  'clock-unreliable': {
    read: ({ facts: { clock } }) =>
      clock && [
        {
          level: !clock.dated ? 'critical' : clock.synchronised ? 'good' : 'raised',
          detail: clock.dated ? 'no time source disciplines the clock' : 'nothing states the date',
        },
      ],
    patience: 2 * minute,
    relief: minute,
  },
  'broker-unreachable': {
    read: ({ facts: { broker }, limits: { broker: limit } }) => {
      if (broker === undefined) return undefined;
      const offline = broker.offline ?? 0;
      const level = offline >= limit.critical ? 'critical' : offline >= limit.raise ? 'raised' : 'good';
      const detail = `no connection for ${since(offline)}${because(broker.detail)}`;
      return [{ level, detail, figures: { offlineS: Math.round(offline / 1000) } }];
    },
    patience: 0,
    relief: 30_000,
  },
  'certificate-expiring': {
    read: ({ facts: { certificates }, limits: { certificate }, utc }) =>
      certificates?.map(({ name, expires }) => {
        const left = expires - utc;
        const level = left <= certificate.critical ? 'critical' : left <= certificate.raise ? 'raised' : 'good';
        const daysLeft = Math.floor(left / (24 * 60 * minute));
        const detail = `${name} ${left <= 0 ? 'ended' : 'ends'} on ${toIso(expires).slice(0, 10)}`;
        return { subject: name, level, detail, figures: { daysLeft } };
      }),
    patience: 0,
    relief: 0,
  },
  'certificate-renewal': {
    read: ({ facts: { renewal }, utc }) => renewal && [renewalReading(renewal, utc)],
    patience: 0,
    relief: 0,
  },
  'store-set-aside': {
    read: ({ facts: { setAside } }) =>
      setAside?.map((detail, i) => ({ subject: String(i + 1), level: 'raised', detail: words(detail) })),
    patience: 0,
    relief: 0,
  },
  'camera-moved': {
    read: ({ facts: { cameraPlace: at } }) =>
      at && [
        {
          level: at.moved ? 'critical' : 'good',
          detail: at.says,
          figures: { shiftPx: Math.round(at.shiftPx * 10) / 10 },
        },
      ],
    // Whoever watches the place has patience of its own, both ways.
    patience: 0,
    relief: 0,
  },
  'housing-open': {
    read: ({ facts: { housing } }) =>
      housing?.door === undefined
        ? undefined
        : [{ level: housing.door ? 'raised' : 'good', detail: 'the door of the housing is open' }],
    // The inputs have settled before they are told.
    patience: 0,
    relief: 0,
  },
  tampered: {
    read: ({ facts: { housing } }) =>
      housing?.tamper === undefined
        ? undefined
        : [{ level: housing.tamper ? 'critical' : 'good', detail: 'the tamper switch is on' }],
    patience: 0,
    relief: minute,
  },
  'config-rolled-back': {
    read: ({ facts: { configuration } }) => {
      if (configuration === undefined) return undefined;
      const { rolledBack } = configuration;
      if (rolledBack === undefined) return [];
      const { version, reason } = rolledBack;
      const detail = `the unit went back from version ${version}${because(reason)}`;
      return [{ subject: String(version), level: 'raised', detail, figures: { version } }];
    },
    patience: 0,
    relief: 0,
  },
  'plate-reader-failed': {
    read: ({ facts: { plateReader } }) =>
      plateReader &&
      failure(plateReader.fault, 'no plate is read').map((one) => ({
        ...one,
        level: one.level === 'good' ? 'good' : 'raised',
      })),
    patience: 0,
    relief: minute,
  },
  degraded: {
    // The plan has its own patience.
    read: ({ facts: { degraded } }) =>
      degraded?.map(({ measure, says }) => ({ subject: measure, level: 'raised', detail: words(says) })),
    patience: 0,
    relief: 0,
  },
  'watch-list': {
    read: ({ facts: { watchList } }) =>
      watchList?.map(({ list, entry }) => ({
        subject: `${list}/${entry}`,
        level: 'critical',
        detail: `entry ${entry} of the list ${list} was seen`,
        figures: { list, entry },
      })),
    patience: 0,
    relief: 10 * minute,
  },
};
