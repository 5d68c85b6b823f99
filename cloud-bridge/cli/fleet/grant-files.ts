import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type RenewalGrant, renewalGrant } from '../../contract/certificate.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';
import { longestPayload } from '../../contract/topics.ts';

/** A grant as it was read from a file. */
export interface GrantFile {
  readonly file: string;
  readonly grant: RenewalGrant;
}

/**
 * The grants in files and in folders of files that end in `.json`, in the order of names. Throws `usage-invalid` for what cannot be read or
 * is no renewal, before anything else is done; of two for one unit too.
 */
export async function readGrants(paths: readonly string[]): Promise<readonly GrantFile[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const read = await Promise.all(files.map(readGrant));
  for (const [i, { grant, file }] of read.entries()) {
    const other = read.slice(0, i).find((one) => one.grant.unit === grant.unit);
    if (other !== undefined) throw refused(`${other.file} and ${file} are both for ${grant.unit}`, 'Name one of them.');
  }
  if (read.length > 0) return read;
  throw refused(`there is no grant in ${paths.join(', ')}`, 'atalaya-provision ca sign --renew writes them.');
}

async function filesAt(path: string): Promise<readonly string[]> {
  const at = resolve(path);
  try {
    if (!(await stat(at)).isDirectory()) return [at];
    return (await readdir(at))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(at, name));
  } catch (error) {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, { hint: 'Check the path.', cause: error });
  }
}

async function readGrant(file: string): Promise<GrantFile> {
  const { size } = await stat(file);
  if (size > longestPayload) {
    throw refused(`${file} has ${size} bytes, and a grant that renews has ${longestPayload} at the most`, 'Check it.');
  }
  const json = readJson(await readFile(file));
  if (json.kind === 'refused') throw refused(`${file} cannot be read as JSON: ${json.detail}`, 'Check the path.');
  const read = renewalGrant.safeParse(json.value);
  if (read.success) return { file, grant: read.data };
  throw refused(
    `${file} is no grant that renews and nothing else: ${faultsOf(read.error)}`,
    'Have the request signed: atalaya-provision ca sign --renew. What else a grant gives is installed at the unit.',
  );
}

const refused = (why: string, hint: string): AtalayaError => new AtalayaError('usage-invalid', why, { hint });
