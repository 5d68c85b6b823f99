import { createHash } from 'node:crypto';
import type { Clock } from '../../../device/kernel/clock.ts';
import type { UnsignedDocument } from '../../../device/kernel/signed/signed-document.ts';
import { verifyDocument } from '../../../device/kernel/signed/verify-document.ts';
import { type Act, act } from '../../contract/acts.ts';
import { actWindowMs } from '../../contract/api.ts';
import type { People, Person } from '../../contract/people.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';

/** Why a request is not believed. */
export const actRefusals = [
  'no-act',
  'act-malformed',
  'no-trust',
  'trust-expired',
  'not-signed',
  'signature-malformed',
  'unknown-key',
  'altered',
  'old',
  'early',
  'other-method',
  'other-path',
  'other-body',
  'replayed',
  'not-allowed',
] as const;
export type ActRefusal = (typeof actRefusals)[number];

export interface RefusedAct {
  readonly kind: 'refused';
  /** 403 where the person is known and the role is not enough, else 401. */
  readonly status: 401 | 403;
  readonly reason: ActRefusal;
  readonly detail: string;
}

/** Characters of an act in its header. */
const longestHeader = 12_000;

export type ReadAct = { readonly kind: 'act'; readonly act: Act; readonly document: UnsignedDocument } | RefusedAct;

/** The act in the header of a request. Nothing of it is to be believed yet. */
export function readAct(header: string | readonly string[] | undefined): ReadAct {
  if (typeof header !== 'string' || header === '') return refusedAct('no-act', 'the request bears no signed act');
  if (header.length > longestHeader) return refusedAct('act-malformed', `the act has ${header.length} characters`);
  const json = readJson(Buffer.from(header, 'base64'));
  if (json.kind === 'refused') return refusedAct('act-malformed', json.detail);
  const checked = act.safeParse(json.value);
  if (!checked.success) return refusedAct('act-malformed', faultsOf(checked.error));
  return { kind: 'act', act: checked.data, document: json.value as UnsignedDocument };
}

/** Who signed an act, and whether it is of now and for this request; the body is held against it when it has come. */
export function checkAct(
  { act: said, document }: Extract<ReadAct, { kind: 'act' }>,
  people: People,
  request: { readonly method: string; readonly path: string },
  clock: Clock,
): { readonly kind: 'signed'; readonly person: Person } | RefusedAct {
  const verified = verifyDocument(document, people.keys);
  if (verified.kind === 'refused') return refusedAct(verified.reason, verified.detail);
  const person = people.person(verified.key);
  if (person === undefined) return refusedAct('unknown-key', 'no person has this key');
  const age = clock.utc() - Date.parse(said.issued);
  if (age > actWindowMs)
    return refusedAct('old', `the act was signed ${seconds(age)} s ago, and ${seconds(actWindowMs)} s is the most`);
  if (-age > actWindowMs) return refusedAct('early', `the act was signed ${seconds(-age)} s ahead of the clock here`);
  if (said.method !== request.method) return refusedAct('other-method', `the act is signed for ${said.method}`);
  if (said.path !== request.path) return refusedAct('other-path', 'the act is signed for another path');
  return { kind: 'signed', person };
}

/** Why the body is not the one that was signed for; undefined where it is. */
export function checkBody({ bodySha256 }: Act, body: Uint8Array): RefusedAct | undefined {
  const is = createHash('sha256').update(body).digest('hex');
  return is === bodySha256 ? undefined : refusedAct('other-body', 'the act is signed for another body');
}

export function refusedAct(reason: ActRefusal, detail: string): RefusedAct {
  return { kind: 'refused', status: reason === 'not-allowed' ? 403 : 401, reason, detail };
}

const seconds = (ms: number): number => Math.round(ms / 1000);
