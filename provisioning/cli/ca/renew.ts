import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AtalayaError, explain, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Authority } from '../../ca/authority.ts';
import type { AuthorityKey } from '../../ca/authority-key.ts';
import { signHolder } from '../../ca/sign-holder.ts';
import { readSigningRequest } from '../../ca/signing-request.ts';
import type { RenewalRequest } from '../../contract/enrolment-documents.ts';
import { checkRenewal } from '../../enrol/check-renewal.ts';
import { composeGrant } from '../../enrol/compose-grant.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { checkOutput, makeOutputFolder, writeOutput } from '../write-output.ts';
import { readRequest } from './read-request.ts';
import { tell } from './tell-signed.ts';
import { type AuthorityFlags, passphraseOf, withAuthority } from './with-authority.ts';

export interface RenewFlags extends AuthorityFlags {
  readonly days: number;
  readonly out?: string;
}

interface Order {
  readonly out: string;
  readonly asked: RenewalRequest;
}

/**
 * Signs the next certificate of a unit, or of every unit whose request lies in a folder: `--out` is a folder then, with a grant for each.
 * In a folder one request that is refused keeps no other from being signed; true where none was. Requests are read and checked before the
 * passphrase is asked for. Throws as `checkRenewal` and `signHolder` do.
 */
export async function renew(path: string, flags: RenewFlags, io: ProvisionIo): Promise<boolean> {
  const { out, days } = flags;
  if (out === undefined) {
    throw new AtalayaError('usage-invalid', 'the grant has no place to go', {
      hint: 'Say --out grant.json; for a folder of requests --out with a folder.',
    });
  }
  const files = await requestsIn(path);
  return await withAuthority(io, flags, async (authority) => {
    const read = async (file: string) => checkRenewal(await readRequest(file), authority.register, authority.now);
    if (files === undefined) {
      const asked = await read(path);
      await checkOutput(out);
      const key = await authority.unlock(await passphraseOf(io, authority, flags));
      await signOne(authority, key, { asked, out: resolve(out) }, days, io);
      return true;
    }
    const orders: Order[] = [];
    const refused = await eachOf(files, io, async (file) => {
      const asked = await read(file);
      const other = orders.some((one) => one.asked.unit === asked.unit);
      if (other) {
        throw new AtalayaError('document-refused', `another request in this folder is of ${asked.unit} too`, {
          hint: 'Leave the newer one there.',
        });
      }
      orders.push({ asked, out: join(resolve(out), `${asked.unit}.json`) });
    });
    if (orders.length === 0) return false;
    const key = await authority.unlock(await passphraseOf(io, authority, flags));
    await makeOutputFolder(out);
    const failed = await eachOf(orders, io, (order) => signOne(authority, key, order, days, io));
    return refused + failed === 0;
  });
}

/** Does it for each; what is refused is told, and how many come out. Faults of the store and of the authority end it. */
async function eachOf<T extends string | Order>(
  all: readonly T[],
  io: ProvisionIo,
  work: (one: T) => Promise<void>,
): Promise<number> {
  let refused = 0;
  for (const one of all) {
    try {
      await work(one);
    } catch (error) {
      if (!isAtalayaError(error, 'document-refused') && !isAtalayaError(error, 'usage-invalid')) throw error;
      refused += 1;
      say(io.err, `${typeof one === 'string' ? basename(one) : one.asked.unit}: ${explain(error)}`);
    }
  }
  return refused;
}

async function signOne(
  authority: Authority,
  key: AuthorityKey,
  { asked, out }: Order,
  days: number,
  io: ProvisionIo,
): Promise<void> {
  const { unit, csr, enrolled } = asked;
  const request = await readSigningRequest(csr, 'unit');
  const signed = await signHolder(authority, key, { kind: 'unit', name: unit, request, days, renews: true });
  const { register, now } = authority;
  const authorities = authority.authoritiesPem();
  const grant = composeGrant(
    { unit, chain: signed.chain, authorities, parts: {}, enrolled, registered: register.last, now },
    key,
  );
  await writeOutput(out, `${JSON.stringify(grant)}\n`);
  say(io.out, out);
  tell(signed, io);
}

/** The requests in a folder, in the order of names; undefined where it is none. */
async function requestsIn(path: string): Promise<readonly string[] | undefined> {
  const at = resolve(path);
  const found = await stat(at).catch(() => undefined);
  if (found?.isDirectory() !== true) return undefined;
  const files = (await readdir(at)).filter((name) => name.endsWith('.json')).sort();
  if (files.length > 0) return files.map((name) => join(at, name));
  throw new AtalayaError('usage-invalid', `there is no request in ${path}: none of its files ends in .json`, {
    hint: 'Check the path, and whether the stick is mounted.',
  });
}
