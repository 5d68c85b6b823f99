import { Counter, Gauge, Registry } from 'prom-client';
import type { Telemetry } from '../../cloud-bridge/contract/events.ts';
import { alertNames } from './alert-rules.ts';
import { type HealthReport, probeNames } from './contract/health-report.ts';
import { measureNames } from './degrade-measures.ts';
import type { OpenAlert } from './judge-alerts.ts';

/** What a scrape shows; the newest that is known of each. */
export interface MetricsSource {
  readonly telemetry: Telemetry;
  readonly health: HealthReport;
  readonly alerts: Iterable<Pick<OpenAlert, 'name' | 'state'>>;
  /** Lines that the log could not write. */
  readonly logDropped: number;
}

type Part<Name extends 'machine' | 'pipeline' | 'sync'> = Extract<
  keyof { [Key in keyof NonNullable<Telemetry[Name]> as string extends Key ? never : Key]: true },
  string
>;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  /** From the figure's unit to the base unit of Prometheus. */
  readonly times?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const gauge = (name: string, help: string, times = 1): Metric => ({
  name: `atalaya_${name}`,
  help,
  kind: 'gauge',
  times,
});
const counter = (name: string, help: string, labels?: Metric['labels']): Metric => ({
  name: `atalaya_${name}_total`,
  help,
  kind: 'counter',
  ...(labels === undefined ? {} : { labels }),
});

const plates = (outcome: string): Metric => counter('plates', 'Plates of vehicles, by outcome.', { outcome });
const frames = (outcome: string): Metric => counter('frames', 'Frames of the camera, by outcome.', { outcome });

/** A metric a figure of the telemetry; a figure without one does not compile. */
const metrics: {
  readonly machine: Readonly<Record<Part<'machine'>, Metric>>;
  readonly pipeline: Readonly<Record<Part<'pipeline'>, Metric>>;
  readonly sync: Readonly<Record<Exclude<Part<'sync'>, 'queued'>, Metric>>;
} = {
  machine: {
    cpuLoad: gauge('cpu_load_ratio', 'Share of the processors in use.'),
    temperatureC: gauge('cpu_temperature_celsius', 'Temperature of the processor.'),
    throttled: gauge('cpu_throttled', '1 while the processor is held back.'),
    memoryUsedBytes: gauge('memory_used_bytes', 'Memory of the machine in use.'),
    memoryTotalBytes: gauge('memory_size_bytes', 'Memory of the machine.'),
    processBytes: gauge('process_resident_bytes', 'Resident memory of the program.'),
    diskFreeBytes: gauge('disk_free_bytes', 'What may still be written to the data disk.'),
    diskTotalBytes: gauge('disk_size_bytes', 'Size of the data disk.'),
    diskWearPercent: gauge('disk_wear_ratio', 'Used life of the medium: 0 new, 1 worn out.', 0.01),
    networkReceivedBytes: counter('network_received_bytes', 'Received on all interfaces but the loop.'),
    networkSentBytes: counter('network_sent_bytes', 'Sent on all interfaces but the loop.'),
    powerVolts: gauge('power_volts', 'Voltage of the supply.'),
    underVoltage: gauge('power_low', '1 while the supply voltage is too low.'),
  },
  pipeline: {
    framesProcessed: frames('processed'),
    framesSkipped: frames('skipped'),
    framesDamaged: frames('damaged'),
    framesPerSecond: gauge('frame_rate_hertz', 'Frames processed a second, lately.'),
    inferenceMs: gauge('inference_seconds', 'Time of an inference, lately.', 0.001),
    tracksLive: gauge('tracks', 'Road users that are followed now.'),
    detections: counter('detections', 'Road users found in frames.'),
    infractions: counter('infractions', 'Infractions judged.'),
    lost: counter('infractions_lost', 'Infractions that could not be sealed.'),
    platesRead: plates('read'),
    platesUnread: plates('unread'),
  },
  sync: {
    dropped: counter('outbox_dropped', 'Events of telemetry that the bound of the queue gave up.'),
    reconnects: counter('link_reconnects', 'Connections to the broker after the first.'),
    sentBytes: counter('link_sent_bytes', 'Payload bytes published.'),
    refused: counter('events_refused', 'Events that the centre will not take.'),
  },
};

/**
 * The unit's metrics as Prometheus reads them: base units, `_total` for counters. What is not known has no sample. Values are those of the
 * telemetry as it is sent, so that both ends show the same figures.
 */
export async function unitMetrics(unit: string, source: MetricsSource): Promise<{ contentType: string; text: string }> {
  const { telemetry, health, alerts, logDropped } = source;
  const page = new Page(unit);
  page.set(gauge('uptime_seconds', 'Since the program began.'), telemetry.uptimeS);
  for (const part of ['machine', 'pipeline', 'sync'] as const) {
    const figures: Readonly<Record<string, unknown>> = telemetry[part] ?? {};
    for (const [name, metric] of Object.entries(metrics[part])) page.set(metric, figures[name]);
  }
  const waiting = gauge('outbox_events', 'Events that wait for the centre, by lane.');
  for (const [lane, queued] of Object.entries(telemetry.sync?.queued ?? {})) {
    page.set({ ...waiting, labels: { lane } }, queued);
  }
  const good = gauge('probe_good', '1 where a probe finds nothing wrong, 0 where it does.');
  for (const name of probeNames) {
    const { state } = health.probes[name];
    if (state !== 'unknown') page.set({ ...good, labels: { probe: name } }, state === 'good');
  }
  const degraded = gauge('degraded', '1 while the unit does without something.');
  for (const measure of telemetry.degraded === undefined ? [] : measureNames) {
    page.set({ ...degraded, labels: { measure } }, telemetry.degraded?.includes(measure));
  }
  const levels = new Map<string, number>();
  for (const { name, state } of alerts) {
    levels.set(name, Math.max(levels.get(name) ?? 0, state === 'critical' ? 2 : 1));
  }
  const level = gauge('alert_level', '0 no alert, 1 raised, 2 critical.');
  for (const name of alertNames) page.set({ ...level, labels: { alert: name } }, levels.get(name) ?? 0);
  page.set(counter('log_lines_dropped', 'Lines that the log could not write.'), logDropped);
  page.set({ ...gauge('build_info', '1, with the version.'), labels: { version: health.software } }, 1);
  return page.text();
}

/** One scrape: it begins empty, so that a figure that is not known any more is gone. */
class Page {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();

  constructor(unit: string) {
    this.#registry.setDefaultLabels({ unit });
  }

  set({ name, help, kind, times = 1, labels = {} }: Metric, value: unknown): void {
    const figure = typeof value === 'boolean' ? Number(value) : value;
    if (typeof figure !== 'number' || !Number.isFinite(figure)) return;
    const form = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
    if (kind === 'gauge') {
      const one = this.#gauges.get(name) ?? new Gauge(form);
      this.#gauges.set(name, one);
      one.set(labels, figure * times);
    } else if (figure >= 0) {
      const one = this.#counters.get(name) ?? new Counter(form);
      this.#counters.set(name, one);
      one.inc(labels, figure);
    }
  }

  async text(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
