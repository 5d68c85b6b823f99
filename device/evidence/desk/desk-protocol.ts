import { z } from 'zod';
import { AtalayaError, type ErrorCode, errorCodes, isAtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { indexLine } from './index-line.ts';

/**
 * What a unit and a local auditor say to one another: JSON, one object a line. The unit greets first; then each request bears a number
 * and an operation, and is answered under its number by any count of `item` and one `ok` or `error`. An `error` under `null` is about
 * the connection, which it ends. Answers come in any order.
 *
 * Nothing secret is said: files travel as the age files that they are, and no private key does.
 */
export const deskVersion = 1;

/** Bytes of a request; some ten thousand ids. */
export const longestRequest = 256 * 1024;
/** Bytes of an answer: the longest entry of a journal in base64, and some more. */
export const longestAnswer = 32 * 1024 * 1024;
/** Requests of one connection that are worked on at the same time; further ones are not read before. */
export const requestsAtOnce = 4;

const id = z.int().nonnegative();
const operation = <Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) =>
  z.strictObject({ id, op: z.literal(name), ...fields });

/** What is empty or unknown is refused by the store, in its own words. */
const act = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('list') }),
  z.strictObject({ kind: z.literal('read'), evidence: z.array(z.string()), opened: z.boolean() }),
  z.strictObject({ kind: z.literal('export'), evidence: z.array(z.string()), opened: z.boolean() }),
  z.strictObject({ kind: z.literal('hold'), evidence: z.string(), hold: z.string() }),
  z.strictObject({ kind: z.literal('release'), evidence: z.string(), hold: z.string() }),
  z.strictObject({ kind: z.literal('erase'), evidence: z.string() }),
]);

/** Only people come to the desk: a policy acts inside the unit. */
const actor = z.strictObject({ kind: z.literal('person'), name: z.string(), account: z.string() });
const authorship = z.strictObject({ actor, reason: z.string() });

const request = z.discriminatedUnion('op', [
  operation('lines', { from: z.int() }),
  operation('entry', { sequence: z.int() }),
  operation('ciphertext', { sequence: z.int(), name: z.string() }),
  operation('act', { act, by: authorship }),
  operation('checkpoint', {}),
  operation('inclusion', { sequence: z.int() }),
  operation('consistency', { size: z.int() }),
  operation('cosign', { note: z.string() }),
  operation('self-test', { pulse: z.array(z.string().max(32)).max(32), seal: z.boolean(), actor }),
]);

export type Request = z.infer<typeof request>;
/** A request before it has its number. */
export type Question = Request extends infer One ? (One extends Request ? Omit<One, 'id'> : never) : never;

const wireError = z.strictObject({ code: z.string(), message: z.string(), hint: z.string().exactOptional() });
export type WireError = z.infer<typeof wireError>;

const answer = z.union([
  z.strictObject({ id, item: z.json() }),
  z.strictObject({ id, ok: z.json() }),
  z.strictObject({ id, error: wireError }),
  z.strictObject({ id: z.null(), error: wireError }),
]);
export type Answer = z.infer<typeof answer>;
/** To a request. */
export type NumberedAnswer = Exclude<Answer, { id: null }>;

const greeting = z.strictObject({
  desk: z.literal(deskVersion),
  unit: z.string(),
  key: z.strictObject({ pem: z.string(), vkey: z.string(), algorithm: z.enum(['ed25519', 'p256']) }),
});
export type Greeting = z.infer<typeof greeting>;

/** What is in an answer, by what was asked. */
export const values = {
  lines: z.array(indexLine),
  entry: z.strictObject({ bytes: z.base64(), signature: z.base64() }).nullable(),
  ciphertext: z.base64(),
  act: z.int().positive(),
  note: z.string(),
  inclusion: z.strictObject({
    index: z.int().nonnegative(),
    size: z.int().positive(),
    leafHash: z.base64(),
    hashes: z.array(z.base64()),
    note: z.string().nullable(),
  }),
  consistency: z.array(z.base64()),
  /** `selfTestReport` of the contract; whoever asked reads it by that. */
  report: z.json(),
};

export type Value<Name extends keyof typeof values> = z.infer<(typeof values)[Name]>;

export const formatLine = (message: (Question & { readonly id: number }) | Answer | Greeting): string =>
  `${JSON.stringify(message)}\n`;

/** Throws `usage-invalid`. */
export function parseRequest(line: Buffer): Request {
  return checkRequest(jsonOf(line, 'usage-invalid'));
}

/** Throws `usage-invalid`. */
export function checkRequest(said: unknown): Request {
  return parse(request, said, 'the request', 'usage-invalid');
}

/** Throws `internal`. */
export function parseAnswer(line: Buffer): Answer {
  return parse(answer, jsonOf(line, 'internal'), "the unit's answer", 'internal');
}

/** Throws the error that is there instead of a greeting, `store-version-unknown`, `internal`. */
export function parseGreeting(line: Buffer): Greeting {
  const said = jsonOf(line, 'internal');
  const refusal = z.strictObject({ id: z.null(), error: wireError }).safeParse(said);
  if (refusal.success) throw errorFrom(refusal.data.error);
  const version = z.looseObject({ desk: z.int() }).safeParse(said);
  if (version.success && version.data.desk !== deskVersion) {
    throw new AtalayaError(
      'store-version-unknown',
      `the unit speaks version ${version.data.desk} at its desk, and this program version ${deskVersion}`,
      { hint: 'Use the atalaya-audit that was installed with the unit.' },
    );
  }
  return parse(greeting, said, "the unit's greeting", 'internal');
}

/** An error as it travels. Only code, message and hint do. */
export function wireErrorOf(error: unknown): WireError {
  if (!isAtalayaError(error)) {
    return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

export function errorFrom({ code, message, hint }: WireError): AtalayaError {
  const details = hint === undefined ? {} : { hint };
  if (!errorCodes.includes(code)) return new AtalayaError('internal', `${code}: ${message}`, details);
  return new AtalayaError(code as ErrorCode, message, details);
}

function jsonOf(line: Buffer, code: ErrorCode): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (error) {
    throw new AtalayaError(code, 'what was said at the desk is not a line of JSON', { cause: error });
  }
}
