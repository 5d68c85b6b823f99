import { z } from 'zod';

/**
 * What a unit says of itself when it is tested: at acceptance, at run time, by command. It states what was measured and against which
 * bar; what to do about a failure stands once, in the table of remedies, under the `code` of the finding.
 */

export const selfTestSchemaId = 'atalaya/self-test/1';

/** In the order in which a technician mends them: what comes first often explains what comes after. */
export const selfTestChecks = [
  'camera',
  'focus',
  'exposure',
  'place',
  'lines',
  'clock',
  'storage',
  'wear',
  'temperature',
  'power',
  'network',
  'broker',
  'certificate',
  'detector',
  'evidence',
] as const;
export type SelfTestCheck = (typeof selfTestChecks)[number];

/**
 * `passed`; `doubtful`: it works, and somebody should look; `failed`: the unit must not go into service like this; `not-tested`: could not
 * be tried here, or there is none, and `says` tells which.
 */
export const selfTestOutcomes = ['passed', 'doubtful', 'failed', 'not-tested'] as const;
export type SelfTestOutcome = (typeof selfTestOutcomes)[number];

export const selfTestFigure = z.strictObject({
  name: z.string().max(60),
  value: z.number(),
  /** UCUM or a plain word: `ms`, `Cel`, `MB/s`, `frames/s`, `%`, `1`. */
  unit: z.string().max(20),
  /** The bar that it was held against, with its side. */
  least: z.number().optional(),
  most: z.number().optional(),
});
export type SelfTestFigure = z.infer<typeof selfTestFigure>;

export const selfTestFinding = z.strictObject({
  check: z.enum(selfTestChecks),
  /** Which one of several: a line of `signal.lines`, a certificate. */
  subject: z.string().max(100).optional(),
  outcome: z.enum(selfTestOutcomes),
  /** Of a closed list (`device/selftest/remedies.ts`): what was found, and where the remedy is looked up. */
  code: z.string().regex(/^[a-z][a-z0-9-]{2,59}$/),
  /** A sentence for a person; never a plate, never a secret. */
  says: z.string().max(500),
  figures: z.array(selfTestFigure).max(12),
});
export type SelfTestFinding = z.infer<typeof selfTestFinding>;

/** A line as the unit has it: which level it has, how often it changed since the unit began, so that a person can try each by hand. */
export const selfTestLine = z.strictObject({
  name: z.string().max(60),
  direction: z.enum(['input', 'output']),
  /** What it serves: a phase, `door`, `tamper`, a loop, a beacon. */
  role: z.string().max(60),
  active: z.boolean().optional(),
  changes: z.int().min(0).optional(),
});
export type SelfTestLine = z.infer<typeof selfTestLine>;

export const selfTestReport = z.strictObject({
  schema: z.literal(selfTestSchemaId),
  unit: z.string().max(100),
  site: z.string().max(200),
  program: z.string().max(60),
  boot: z.string().max(60),
  at: z.iso.datetime(),
  /** Who asked: `command`, `selftest` at the unit, `start` of the program. */
  asked: z.enum(['command', 'selftest', 'start']),
  /** The worst of its findings; `not-tested` alone worsens nothing. */
  outcome: z.enum(['passed', 'doubtful', 'failed']),
  findings: z.array(selfTestFinding).max(100),
  lines: z.array(selfTestLine).max(64),
  scene: z.strictObject({ name: z.string().max(100), sha256: z.string(), calibrated: z.boolean() }).optional(),
  /** SHA-256 of the configuration document in force. */
  configuration: z.string().optional(),
  /** Test evidence that was sealed by this test: number in the ledger and id, for whoever pulls and verifies it. */
  evidence: z.strictObject({ sequence: z.int().min(1), id: z.string().max(100) }).optional(),
});
export type SelfTestReport = z.infer<typeof selfTestReport>;
