import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { digest } from '../../cloud-bridge/contract/names.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { targetName } from '../contract/names.ts';
import { mostTargets } from '../contract/repository.ts';

/**
 * The forms that metadata may have (TUF specification 1.0.33, 4), narrower than the specification where it leaves a choice: every choice that
 * nobody needs is one that two readers could make differently.
 */

/** As it stands in the name of a file. */
const version = z.int().min(1).max(999_999_999, 'is greater than 999999999');

const common = {
  // Version 1 of the specification, whichever edition.
  spec_version: z.string().regex(/^1\.\d{1,3}(\.\d{1,3})?$/, 'is no edition 1.x of the specification'),
  version,
  expires: z.iso.datetime({ error: 'is no date and time in UTC' }).max(40),
};

/** Of each key exactly one form, so that one key is never counted as two. */
const key = z
  .discriminatedUnion('keytype', [
    z.strictObject({
      keytype: z.literal('ed25519'),
      scheme: z.literal('ed25519'),
      keyval: z.strictObject({ public: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hexadecimal digits') }),
    }),
    z.strictObject({
      keytype: z.literal('ecdsa'),
      scheme: z.literal('ecdsa-sha2-nistp256'),
      keyval: z.strictObject({ public: z.string().max(400).refine(isPlainP256, 'is no P-256 key in its one form') }),
    }),
  ])
  .meta({ description: 'A public key' });

function isPlainP256(pem: string): boolean {
  try {
    const object = createPublicKey(pem);
    return (
      object.asymmetricKeyDetails?.namedCurve === 'prime256v1' && object.export({ format: 'pem', type: 'spki' }) === pem
    );
  } catch {
    return false;
  }
}

/** SHA-256 of the key's canonical JSON (4.2.1, which demands that the reader computes it); no text of it has a quote or a backslash. */
const idOf = ({ keytype, scheme, keyval }: z.infer<typeof key>): string =>
  sha256(`{"keytype":"${keytype}","keyval":{"public":"${keyval.public}"},"scheme":"${scheme}"}`);

const keys = z
  .record(digest, key)
  .refine((all) => Object.keys(all).length <= 64, 'has more than 64 keys')
  .refine(
    (all) => Object.entries(all).every(([id, one]) => idOf(one) === id),
    'has a key under an id that is not its own',
  );

const role = z
  .strictObject({ keyids: z.array(digest).min(1).max(32), threshold: z.int().min(1) })
  .refine(({ keyids }) => new Set(keyids).size === keyids.length, 'lists one key twice')
  .refine(({ keyids, threshold }) => threshold <= keyids.length, 'demands more keys than it lists');

const root = z
  .looseObject({
    ...common,
    _type: z.literal('root'),
    consistent_snapshot: z.literal(true),
    keys,
    roles: z.strictObject({ root: role, timestamp: role, snapshot: role, targets: role }),
  })
  .refine(
    (signed) => Object.values(signed.roles).every(({ keyids }) => keyids.every((id) => Object.hasOwn(signed.keys, id))),
    'has a role with a key that it does not list',
  );

const hashes = z.looseObject({ sha256: digest });

const file = z.looseObject({ version, length: z.int().min(1).optional(), hashes: hashes.optional() });

const timestamp = z.looseObject({
  ...common,
  _type: z.literal('timestamp'),
  meta: z.strictObject({ 'snapshot.json': file }),
});

// One file: delegations are not obeyed, so that what the targets role has not signed is never installed.
const snapshot = z.looseObject({
  ...common,
  _type: z.literal('snapshot'),
  meta: z.strictObject({ 'targets.json': file }),
});

const targets = z.looseObject({
  ...common,
  _type: z.literal('targets'),
  targets: z
    .record(
      targetName,
      z.looseObject({ length: z.int().min(0), hashes, custom: z.record(z.string(), z.unknown()).optional() }),
    )
    .refine((all) => Object.keys(all).length <= mostTargets, `names more than ${mostTargets} targets`),
  delegations: z.undefined({ error: 'has delegations, which are not obeyed here' }).optional(),
});

const signatures = z
  .array(z.strictObject({ keyid: digest, sig: z.string().regex(/^([0-9a-f]{2}){0,256}$/, 'is no signature') }))
  .max(64)
  .refine((all) => new Set(all.map(({ keyid }) => keyid)).size === all.length, 'has two signatures of one key');

/** Of a whole file, by its role. */
export const metadataShapes = {
  root: z.strictObject({ signatures, signed: root }),
  timestamp: z.strictObject({ signatures, signed: timestamp }),
  snapshot: z.strictObject({ signatures, signed: snapshot }),
  targets: z.strictObject({ signatures, signed: targets }),
} as const;
