import { type CommonRecord, common, type Moment, moment } from './common-shape.ts';
import { anyText, count, digest, flag, listOf, nullOr, objectOf, oneOf, type Shape, text, variants } from './shape.ts';

/** Records of acts, as this verifier interprets them. */

const actionSchema = 'atalaya/action/2';
/** The same with tests, which alone are written as this. */
const testActionSchema = 'atalaya/action/3';
/** The same with updates, which alone are written as this. */
const updateActionSchema = 'atalaya/action/4';
/** Acts on evidence alone, from before the centre gave commands. */
const earlierActionSchema = 'atalaya/action/1';

export interface ActionRecord extends CommonRecord {
  readonly time: Moment;
  readonly action:
    | { readonly kind: 'list' }
    | { readonly kind: 'command' }
    | { readonly kind: 'configuration' }
    | { readonly kind: 'test' }
    | { readonly kind: 'update' }
    | { readonly kind: 'read'; readonly evidence: readonly string[] }
    | { readonly kind: 'export'; readonly evidence: readonly string[] }
    | Hold
    | Erasure;
}

export interface Hold {
  readonly kind: 'hold' | 'release';
  readonly evidence: string;
  readonly hold: string;
}

export interface Erasure {
  readonly kind: 'erase';
  readonly evidence: string;
  readonly keys: string | null;
  readonly bodies: readonly string[];
}

const ids = listOf(text, 1);
const actors = {
  person: objectOf({ kind: anyText, name: text, account: text }),
  policy: objectOf({ kind: anyText, name: text }),
};
const laterActors = {
  operator: objectOf({ kind: anyText, name: text, role: text, key: digest }),
  unit: objectOf({ kind: anyText, name: text }),
};
const actions = {
  list: objectOf({ kind: anyText }),
  read: objectOf({ kind: anyText, evidence: ids, opened: flag }),
  export: objectOf({ kind: anyText, evidence: ids, opened: flag }),
  hold: objectOf({ kind: anyText, evidence: text, hold: text }),
  release: objectOf({ kind: anyText, evidence: text, hold: text }),
  erase: objectOf({ kind: anyText, evidence: text, keys: nullOr(digest), bodies: listOf(digest) }),
};
const laterActions = {
  command: objectOf(
    { kind: anyText, id: text, name: text, outcome: oneOf('done', 'failed', 'refused') },
    { reason: text },
  ),
  configuration: objectOf(
    {
      kind: anyText,
      outcome: oneOf('accepted', 'trial', 'confirmed', 'rejected', 'rolled-back'),
      reasons: listOf(text),
    },
    { version: count, sha256: digest },
  ),
};
const testActions = {
  test: objectOf({
    kind: anyText,
    picture: nullOr(
      objectOf({
        mediaType: text,
        format: oneOf('age-encryption.org/v1'),
        recipients: listOf(text, 1),
        bytes: count,
        sha256: digest,
        age: text,
      }),
    ),
  }),
};
const updateActions = {
  update: objectOf(
    {
      kind: anyText,
      outcome: oneOf('trial', 'confirmed', 'rolled-back', 'refused'),
      program: objectOf({ version: text, release: count }, { tree: digest }),
      reasons: listOf(text),
    },
    {
      job: text,
      beside: listOf(objectOf({ kind: text, name: text, version: text, release: count, tree: digest })),
    },
  ),
};
const actionMembers = { ...common, time: moment, reason: text };

export const actionShapes: Readonly<Record<string, Shape>> = {
  [updateActionSchema]: objectOf({
    ...actionMembers,
    actor: variants('kind', { ...actors, ...laterActors }),
    action: variants('kind', { ...actions, ...laterActions, ...testActions, ...updateActions }),
  }),
  [testActionSchema]: objectOf({
    ...actionMembers,
    actor: variants('kind', { ...actors, ...laterActors }),
    action: variants('kind', { ...actions, ...laterActions, ...testActions }),
  }),
  [actionSchema]: objectOf({
    ...actionMembers,
    actor: variants('kind', { ...actors, ...laterActors }),
    action: variants('kind', { ...actions, ...laterActions }),
  }),
  [earlierActionSchema]: objectOf({
    ...actionMembers,
    actor: variants('kind', actors),
    action: variants('kind', actions),
  }),
};

/** Whether a record is one of an act, of any schema that is interpreted. */
export const isAction = <R extends CommonRecord>(record: R): record is R & ActionRecord =>
  Object.hasOwn(actionShapes, record.schema);
