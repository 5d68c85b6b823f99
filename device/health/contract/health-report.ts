import { z } from 'zod';

/** What `/healthz` answers. */

/** What is looked at, in the order in which a person reads it. */
export const probeNames = ['camera', 'clock', 'disk', 'memory', 'broker'] as const;
export type ProbeName = (typeof probeNames)[number];

/** `unknown`: nobody has looked yet, or this unit has none of it. It makes nothing worse. */
export const probeStates = ['good', 'degraded', 'failed', 'unknown'] as const;
export type ProbeState = (typeof probeStates)[number];

export const probe = z.strictObject({ state: z.enum(probeStates), detail: z.string() });
export type Probe = z.infer<typeof probe>;

export const healthReport = z.strictObject({
  /** The worst of the probes and of the open alerts. `failed`: this unit does not do its work. */
  status: z.enum(['good', 'degraded', 'failed']),
  /** ISO 8601 UTC. */
  at: z.iso.datetime(),
  unit: z.string(),
  software: z.string(),
  probes: z.strictObject({ camera: probe, clock: probe, disk: probe, memory: probe, broker: probe }),
  /** What is not good, a line each: probes, then open alerts. */
  problems: z.array(z.string()),
});
export type HealthReport = z.infer<typeof healthReport>;
