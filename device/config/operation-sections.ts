import { z } from 'zod';
import { atUnit, live, restart } from './apply.ts';

export const status = z.strictObject({
  listen: z
    .string()
    .regex(
      /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):([1-9][0-9]{0,4})$/,
      'is no host and port such as 127.0.0.1:9464 or [::1]:9464',
    )
    .optional()
    .meta(
      atUnit(
        'Where `/healthz` and `/metrics` are served, as `127.0.0.1:9464`. Whoever reaches it reads figures, and nothing of evidence or plates. Without it nothing is served.',
      ),
    ),
});

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export const log = z.strictObject({
  level: z
    .enum(logLevels)
    .default('info')
    .meta(live('The least important lines that are logged. A command may change it for a while.')),
  folder: z
    .string()
    .min(1)
    .optional()
    .meta(
      atUnit(
        'Where the daily files go: all lines, and warnings and errors apart. Without it nothing is logged but what the console says. Relative paths start at the configuration file.',
      ),
    ),
  keepDays: z.int().min(1).max(3650).default(14).meta(restart('Older files are removed.', 'd')),
});

const flag = (description: string) => z.boolean().default(true).meta(live(description));

/** What may be switched off and on again, unit by unit or for a fleet. */
export const flags = z.strictObject({
  announceCounts: flag(
    'Whether the centre is told of each vehicle that crosses a counting line. They are counted here either way.',
  ),
  sendTelemetry: flag(
    'Whether figures of machine and pipeline are sent. Health and metrics are served here either way.',
  ),
  strobe: flag('Whether the strobe flashes at an infraction. The beacon shows it either way.'),
  watchLists: flag('Whether the plates that are read are held against the watch lists.'),
});
