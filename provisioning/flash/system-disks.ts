import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { BlockDevice, DiskFacts, Disks } from './block-device.ts';
import { chunkBytes } from './flash-image.ts';

/** The disks of this machine, as lsblk(8) of util-linux shows them. */
export const systemDisks: Disks = {
  list: async () => disksIn(await listDisks()),
  look: async (path) => {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined) return undefined;
    const found = await stat(real);
    if (found.isFile()) return fileFacts(real, found.size);
    if (!found.isBlockDevice()) return { ...fileFacts(real, 0), kind: 'other' };
    return factsIn(await listDisks(), real) ?? { ...fileFacts(real, 0), kind: 'other' };
  },
  open: async (path) => {
    try {
      // Without O_CREAT, O_EXCL claims a block device for us alone: the kernel's own guard against a mounted disk (open(2)).
      return new SystemDisk(path, await open(path, constants.O_RDWR | constants.O_EXCL));
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EBUSY') {
        throw new AtalayaError('store-locked', `${path} is in use`, {
          hint: 'Unmount it: a desktop mounts a card when it is put in.',
          cause: error,
        });
      }
      if (code === 'EACCES' || code === 'EPERM') {
        throw new AtalayaError('usage-invalid', `${path} may not be written by this user`, {
          hint: 'Run the same call with sudo.',
          cause: error,
        });
      }
      throw new AtalayaError('store-failed', `${path} cannot be opened (${code ?? 'unknown error'})`, {
        hint: 'Take the card out, put it in again, and look for its name: lsblk',
        cause: error,
      });
    }
  },
};

const fileFacts = (path: string, size: number): DiskFacts => ({
  path,
  name: basename(path),
  kind: 'file',
  parent: undefined,
  size,
  model: undefined,
  serial: undefined,
  transport: undefined,
  removable: false,
  readOnly: false,
  mounted: [],
  held: [],
});

const text = z.string().nullish();
const flag = z
  .union([z.boolean(), z.literal('0'), z.literal('1')])
  .transform((value) => value === true || value === '1');
interface Listed {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly rm: boolean;
  readonly hotplug: boolean;
  readonly ro: boolean;
  readonly size: number;
  readonly model?: string | null | undefined;
  readonly serial?: string | null | undefined;
  readonly tran?: string | null | undefined;
  readonly mountpoints: readonly (string | null)[];
  readonly children?: readonly Listed[] | undefined;
}
const listed: z.ZodType<Listed> = z.lazy(() =>
  z.object({
    name: z.string(),
    path: z.string(),
    type: z.string(),
    rm: flag,
    hotplug: flag,
    ro: flag,
    size: z.coerce.number(),
    model: text,
    serial: text,
    tran: text,
    mountpoints: z.array(z.string().nullable()),
    children: z.array(listed).optional(),
  }),
) as z.ZodType<Listed>;
const listing = z.object({ blockdevices: z.array(listed) });

async function listDisks(): Promise<unknown> {
  const columns = 'NAME,PATH,TYPE,RM,HOTPLUG,RO,SIZE,MODEL,SERIAL,TRAN,MOUNTPOINTS';
  const child = spawn('lsblk', ['--json', '--bytes', '--output', columns], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 20_000,
  });
  const failed = once(child, 'error').then(([cause]) => {
    throw new AtalayaError('program-missing', 'lsblk cannot be started', { hint: 'apt-get install util-linux', cause });
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await Promise.race([once(child, 'close'), failed]);
  try {
    return JSON.parse(said);
  } catch (cause) {
    throw new AtalayaError('store-failed', 'lsblk does not say which disks there are', { cause });
  }
}

/** One disk or partition out of what `lsblk --json` said. Throws `store-failed` for what is no such list. */
export function factsIn(json: unknown, path: string): DiskFacts | undefined {
  const walk = (devices: readonly Listed[], above: Listed | undefined): DiskFacts | undefined => {
    for (const device of devices) {
      if (device.path === path) return facts(device, above);
      const below = walk(device.children ?? [], device);
      if (below !== undefined) return below;
    }
    return undefined;
  };
  return walk(devicesIn(json), undefined);
}

/** The whole disks out of the same list. Throws `store-failed` likewise. */
export function disksIn(json: unknown): readonly DiskFacts[] {
  return devicesIn(json)
    .map((device) => facts(device, undefined))
    .filter(({ kind }) => kind === 'disk');
}

function devicesIn(json: unknown): readonly Listed[] {
  const read = listing.safeParse(json);
  if (read.success) return read.data.blockdevices;
  throw new AtalayaError('store-failed', 'lsblk describes the disks in words that are not known', {
    hint: 'util-linux 2.37 or later is needed.',
    cause: read.error,
  });
}

const below = (device: Listed): readonly Listed[] => [device, ...(device.children ?? []).flatMap(below)];
const kinds: Readonly<Record<string, DiskFacts['kind']>> = { disk: 'disk', part: 'partition' };

function facts(device: Listed, above: Listed | undefined): DiskFacts {
  const known = (value: string | null | undefined): string | undefined =>
    value === null || value === undefined || value.trim() === ''
      ? undefined
      : value.replace(/[^\x20-\x7e]/g, '?').trim();
  const all = below(device);
  return {
    path: device.path,
    name: device.name,
    kind: kinds[device.type] ?? 'other',
    parent: above?.path,
    size: device.size,
    model: known(device.model),
    serial: known(device.serial),
    transport: known(device.tran) ?? (device.name.startsWith('mmcblk') ? 'mmc' : undefined),
    // A built-in card reader says neither; a card of SD or MMC can be taken out, but for the eMMC that is soldered, which has boot areas.
    removable: device.rm || device.hotplug,
    readOnly: device.ro,
    mounted: [...new Set(all.flatMap(({ mountpoints }) => mountpoints.filter((at) => at !== null)))],
    held: all.filter(({ type }) => type !== 'part' && type !== device.type).map(({ name }) => name),
  };
}

class SystemDisk implements BlockDevice {
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, position + done);
      if (bytesWritten === 0) throw Object.assign(new Error('write made no progress'), { code: 'EIO' });
      done += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  /** Through dd(1), whose buffers are where O_DIRECT wants them; memory is passed by. Where a file system has no O_DIRECT, it is read plainly. */
  async *readBack(from: number, length: number): AsyncIterable<Uint8Array> {
    const direct = (await this.#readsDirectly()) ? 'direct,' : '';
    const args = [
      `if=${this.#path}`,
      `iflag=${direct}count_bytes,skip_bytes`,
      `bs=${chunkBytes}`,
      `skip=${from}`,
      `count=${length}`,
      'status=none',
    ];
    const child = spawn('dd', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    const ended = once(child, 'close');
    ended.catch(() => undefined);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-500);
    });
    try {
      for await (const chunk of child.stdout) yield chunk as Uint8Array;
      const [status] = await ended;
      if (status !== 0) throw Object.assign(new Error(`dd: ${said.trim()}`), { code: codeOf(said) });
    } finally {
      child.kill('SIGKILL');
    }
  }

  async #readsDirectly(): Promise<boolean> {
    try {
      await (await open(this.#path, constants.O_RDONLY | constants.O_DIRECT)).close();
      return true;
    } catch (error) {
      if (systemCode(error) === 'EINVAL') return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const codeOf = (said: string): string => (/No such device|No medium/.test(said) ? 'ENXIO' : 'EIO');
