import { readFile, stat } from 'node:fs/promises';
import { AtalayaError, systemCode } from './errors.ts';

/** Whose folder it is, so that nobody leaves files in it that its owner cannot read, replace or go on with. */

/** `what` begins a sentence, as `the evidence`; `program` is what the person has called. */
interface Owned {
  readonly folder: string;
  readonly what: string;
  readonly program: string;
}

/** Node has it; its types forgot. */
interface InitGroups {
  readonly initgroups: (account: string, group: number) => void;
}

/** Throws `usage-invalid` where the folder is another account's, or is not there. */
export async function needOwner(owned: Owned): Promise<void> {
  const { uid } = await ownerOf(owned);
  if (uid === process.getuid?.()) return;
  throw new AtalayaError('usage-invalid', `${owned.what} belongs to another account (number ${uid})`, {
    hint: `Run this as the account that the unit runs under: sudo -u '#${uid}' ${owned.program} ...`,
  });
}

/**
 * As `needOwner`; but root becomes the folder's owner, with its groups and without a way back, and the owner's name is given. Nothing that
 * is to stay root's may be open or under way. Undefined where nothing had to change.
 */
export async function becomeOwner(owned: Owned): Promise<string | undefined> {
  const { uid } = await ownerOf(owned);
  const { initgroups, setgid, setuid, getuid } = process as typeof process & Partial<InitGroups>;
  if (uid === getuid?.()) return undefined;
  if (getuid?.() !== 0 || initgroups === undefined || setgid === undefined || setuid === undefined) {
    throw new AtalayaError('usage-invalid', `${owned.what} belongs to another account (number ${uid})`, {
      hint: `Run the same call with sudo; ${owned.program} then works as that account.`,
    });
  }
  const account = await accountOf(uid);
  if (account === undefined) {
    throw new AtalayaError('usage-invalid', `${owned.what} belongs to number ${uid}, which is no account here`, {
      hint: `Give it to the account that the unit runs under: sudo chown -R ACCOUNT: ${owned.folder}`,
    });
  }
  initgroups(account.name, account.gid);
  setgid(account.gid);
  setuid(uid);
  const now = [getuid(), process.geteuid?.(), process.getgid?.(), process.getegid?.()];
  if (now.join() !== [uid, uid, account.gid, account.gid].join())
    throw new AtalayaError('internal', `the process has not become ${account.name}: ${now.join()}`);
  return account.name;
}

async function ownerOf({ folder, what, program }: Owned): Promise<{ readonly uid: number }> {
  try {
    return await stat(folder);
  } catch (cause) {
    const gone = systemCode(cause) === 'ENOENT';
    throw new AtalayaError('usage-invalid', `${what} ${gone ? 'is not there' : 'cannot be looked at'}: ${folder}`, {
      cause,
      hint: gone ? 'Name its folder.' : `Run the same call with sudo: sudo ${program} ...`,
    });
  }
}

/** Of passwd(5). The group of the folder would not do: a folder that root made for an account is often still of root's group. */
async function accountOf(uid: number): Promise<{ readonly name: string; readonly gid: number } | undefined> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [name = '', , id = '', group = ''] = line.split(':');
    if (name !== '' && id === String(uid) && /^\d+$/.test(group)) return { name, gid: Number(group) };
  }
  return undefined;
}
