import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import {
  type AcceptedTrust,
  openTrust,
  type People,
  type TrustTime,
  whileValid,
} from '../../../cloud-bridge/contract/people.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { toIso } from '../../kernel/units.ts';

/** The newest trust document that was in use, so that no older one comes back. */
const acceptedSchema = z.strictObject({ version: z.int().min(1), sha256: z.string() });

const acceptedFile = 'trust-accepted.json';
/** One that an update brought stays when the update is rolled back: no older one is believed any more. */
const keptFile = 'trust-updated.json';

/** Whether the unit's own file names somebody to be trusted. */
export function isTrusting({ cloud }: Config): boolean {
  return cloud.trust !== undefined && cloud.rootKey !== undefined;
}

/**
 * Who may configure and command this unit: `cloud.trust`, or what an update brought since (`updated`), whichever is newer, signed by
 * `cloud.rootKey`; nobody from the expiry of the document on. Undefined where there is none. Throws `config-invalid`
 * where a file cannot be read and `document-refused` where the document does not hold.
 */
export async function openPeople(
  { cloud }: Config,
  folder: string,
  files: Files,
  clock: Clock,
  updated?: string,
): Promise<People | undefined> {
  if (cloud.trust === undefined || cloud.rootKey === undefined) return undefined;
  const root = rootKeyOf(await readText(cloud.rootKey, 'cloud.rootKey'), cloud.rootKey);
  const path = join(folder, acceptedFile);
  const accepted = acceptedOf(await readWholeFile(files, path));
  const at = { utc: clock.utc(), reliable: clock.state().synchronised, expired: 'taken' } as const;
  const configured = await readText(cloud.trust, 'cloud.trust');
  const sent = updated === undefined ? undefined : await readText(updated, 'the update');
  const kept = (await readWholeFile(files, join(folder, keptFile)))?.toString();
  const text = newestOf([configured, sent, kept], root, at) ?? configured;
  const people = openTrust(text, root, at, accepted);
  if (text === sent && text !== kept) {
    await makeFolders(files, folder);
    await writeWholeFile(files, join(folder, keptFile), Buffer.from(text));
  }
  if (accepted?.sha256 !== people.sha256) {
    await makeFolders(files, folder);
    const { version, sha256 } = people;
    await writeWholeFile(files, path, Buffer.from(JSON.stringify({ version, sha256 })));
  }
  return whileValid(people, clock);
}

/** Of those that hold by themselves, the one of the highest version, the first of equals; undefined where none holds. */
function newestOf(texts: readonly (string | undefined)[], root: KeyObject, at: TrustTime): string | undefined {
  let best: { readonly text: string; readonly version: number } | undefined;
  for (const text of texts) {
    if (text === undefined) continue;
    try {
      const { version } = openTrust(text, root, at);
      if (best === undefined || version > best.version) best = { text, version };
    } catch (error) {
      if (!isAtalayaError(error, 'document-refused')) throw error;
    }
  }
  return best?.text;
}

/** What a person should know of a trust document that has expired; the unit works on with the configuration that it has. */
export function expiryFault(people: People | undefined, clock: Clock): AtalayaError | undefined {
  const { expires } = people ?? {};
  if (expires === undefined || clock.utc() < expires) return undefined;
  const words = `the trust document expired at ${toIso(expires)}: nobody may configure or command this unit`;
  return new AtalayaError('document-refused', words, {
    hint: 'Put a new one in its place, signed with the root key; or correct the clock.',
  });
}

async function readText(path: string, field: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('config-invalid', `${path} of ${field} cannot be read`, {
      hint: `Put the file there, or take ${field} out of the configuration.`,
      cause,
    });
  });
}

function rootKeyOf(pem: string, path: string): KeyObject {
  if (pem.includes('PRIVATE KEY')) {
    throw new AtalayaError(
      'config-invalid',
      `${path} of cloud.rootKey is the private root key, and a unit is given the public one`,
      {
        hint: `Name the public file beside it, ${publicOf(path)}, and take the private one away from this machine: whoever has it decides whom every unit obeys.`,
      },
    );
  }
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new TypeError(`it is of the kind ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new AtalayaError('config-invalid', 'the file of cloud.rootKey is no public Ed25519 key in PEM', {
      hint: 'Name the public file that `atalaya-fleet new-root` wrote, and keep the private one away from units.',
      cause,
    });
  }
}

/** As `atalaya-fleet new-root` names the two files. */
function publicOf(path: string): string {
  const name = basename(path);
  return name.endsWith('.pem') ? name.replace(/(\.private)?\.pem$/, '.public.pem') : `${name}.public.pem`;
}

/** What cannot be read is as good as nothing: the signature is what the document is believed by. */
function acceptedOf(content: Buffer | undefined): AcceptedTrust | undefined {
  if (content === undefined) return undefined;
  try {
    return acceptedSchema.safeParse(JSON.parse(content.toString())).data;
  } catch {
    return undefined;
  }
}
