import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { sleep } from '../../kernel/clock.ts';
import { storeFault } from '../../kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import { systemTimer, withDeadline } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';

/** Where a unit that holds a store is spoken to. */
export const deskPath = (folder: string): string => join(folder, 'desk.sock');

/** Longest time until a listener on this machine takes a connection. */
const connecting = milliseconds(5000);

/** A socket file that this process listens at. */
export interface ListeningSocket {
  /** Removes the file where it is still this one. */
  remove(): Promise<void>;
}

/**
 * Lets a server listen at a path, for this account alone, whatever the umask: the socket is made in a folder of its own that nobody
 * else enters, closed to others, and then renamed to its place. A path of any length will do (a socket's address holds 107 bytes), as
 * the folder is named by its open descriptor (proc(5), `/proc/self/fd`).
 *
 * The caller holds the lock of the folder. What a dead process left is replaced. Throws `store-locked` where a live one listens, and
 * `store-failed` where something else lies there or the disk fails.
 */
export async function listenAt(server: Server, path: string): Promise<ListeningSocket> {
  await mayReplace(path);
  const folder = join(dirname(path), 'desk.part');
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await chmod(folder, 0o700);
    const handle = await openFolder(folder);
    try {
      await bind(server, throughHandle(handle, 'socket'));
      server.once('close', () => void handle.close().catch(() => undefined));
    } catch (error) {
      await handle.close();
      throw error;
    }
    try {
      const made = join(folder, 'socket');
      await chmod(made, 0o600);
      const { ino } = await lstat(made);
      await rename(made, path);
      await rmdir(folder);
      return { remove: () => removeIfStill(path, ino) };
    } catch (error) {
      server.close();
      throw error;
    }
  } catch (error) {
    throw storeFault(error, `cannot open the desk ${path}`);
  }
}

/**
 * A connection to the unit that listens at a path. Throws `desk-closed` where nobody does, `usage-invalid` where this account may not,
 * `desk-busy` where the unit does not get to it.
 */
export async function connectTo(path: string): Promise<Socket> {
  let handle: FileHandle;
  try {
    handle = await openFolder(dirname(path));
  } catch (error) {
    throw notConnected(path, error);
  }
  try {
    return await dialPatiently(throughHandle(handle, basename(path)));
  } catch (error) {
    throw notConnected(path, error);
  } finally {
    await handle.close();
  }
}

async function mayReplace(path: string): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, `cannot open the desk ${path}`);
  });
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new AtalayaError('store-failed', `${path} is there and is not a socket`, { hint: 'Move it away.' });
  }
  const handle = await openFolder(dirname(path));
  try {
    (await dial(throughHandle(handle, basename(path)))).destroy();
  } catch (error) {
    // A socket file without a listener refuses; whatever else comes may be a listener that is busy.
    if (['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? '')) return;
  } finally {
    await handle.close();
  }
  throw new AtalayaError('store-locked', `another process serves the evidence at ${path}`, {
    hint: 'Stop that process, or name another data folder.',
  });
}

const openFolder = (folder: string): Promise<FileHandle> => open(folder, constants.O_RDONLY | constants.O_DIRECTORY);

const throughHandle = ({ fd }: FileHandle, name: string): string => `/proc/self/fd/${fd}/${name}`;

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, backlog: 128 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A listener whose queue is full refuses at once (`EAGAIN`): it is asked again for a while. */
async function dialPatiently(path: string): Promise<Socket> {
  const until = performance.now() + connecting;
  for (;;) {
    try {
      return await dial(path);
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN' || performance.now() > until) throw error;
      await sleep(milliseconds(20));
    }
  }
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path);
  try {
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      // It stays: an error of a connection shows in what is read from it.
      socket.on('error', reject);
    });
    await withDeadline(connected, connecting, 'the connection', systemTimer);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function removeIfStill(path: string, ino: number): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there?.ino === ino) await unlink(path).catch(() => undefined);
}

function notConnected(path: string, cause: unknown): AtalayaError {
  switch (systemCode(cause)) {
    case 'EACCES':
    case 'EPERM':
      return new AtalayaError('usage-invalid', `this account may not speak to the unit at ${path}`, {
        hint: 'Use the account that the unit runs under.',
        cause,
      });
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new AtalayaError('desk-closed', `no unit answers at ${path}`, {
        hint: 'Try again in a moment: the unit is starting or stopping, or another program has the store open.',
        cause,
      });
    default:
      return new AtalayaError('desk-busy', `the unit at ${path} does not take the connection`, {
        hint: 'Try again in a moment.',
        cause,
      });
  }
}
