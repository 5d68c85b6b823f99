import type { DiskFacts } from './block-device.ts';

export interface DiskWish {
  /** As it was given. */
  readonly path: string;
  /** Bytes of the image. */
  readonly image: number;
  /** A disk that cannot be taken out is written only when its name is given here too. */
  readonly fixedDisk: string | undefined;
  /** A file was asked for, for an emulator. */
  readonly file: boolean;
}

export type DiskVerdict =
  | { readonly kind: 'good'; readonly disk: DiskFacts }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

const gigabyte = 1e9;
/** Larger than any card that goes into a unit: somebody's disk of data. */
const largestCard = 1100 * gigabyte;
/** The image's table of partitions names no sector behind this. */
const largestDisk = 2 ** 32 * 512;

/** Whether an image may be written there. Pure; every refusal says what to do. */
export function judgeDisk(disk: DiskFacts | undefined, wish: DiskWish): DiskVerdict {
  const refused = (why: string, hint: string): DiskVerdict => ({ kind: 'refused', why, hint });
  if (disk === undefined) {
    return refused(`there is no ${wish.path}`, 'Put the card in and look for its name: lsblk -d -o NAME,SIZE,MODEL,RM');
  }
  if (disk.kind === 'file') {
    if (!wish.file) return refused(`${disk.path} is a file and no disk`, 'For an emulator, add --file.');
    return disk.size >= wish.image ? { kind: 'good', disk } : tooSmall(disk, wish);
  }
  if (wish.file) return refused(`${disk.path} is no file`, 'Leave out --file to write to a disk.');
  if (disk.kind === 'partition') {
    return refused(
      `${disk.path} is one partition and no whole disk`,
      disk.parent === undefined ? 'Give the whole disk.' : `The whole disk is ${disk.parent}.`,
    );
  }
  if (disk.kind === 'other')
    return refused(`${disk.path} is no disk`, 'Give the whole disk, such as /dev/sdb or /dev/mmcblk0.');
  if (disk.mounted.some((at) => at === '/' || at === '[SWAP]' || /^\/(boot|usr|var|home|etc)(\/|$)/.test(at))) {
    return refused(
      `${disk.path} is a disk that this machine runs from (${disk.mounted.join(', ')})`,
      'Look again which disk is the card: lsblk',
    );
  }
  if (disk.mounted.length > 0) {
    return refused(
      `${disk.path} is mounted at ${disk.mounted.join(', ')}`,
      `Unmount it first, if it is the card: umount ${disk.mounted[0]}`,
    );
  }
  if (disk.held.length > 0)
    return refused(`${disk.path} is in use by ${disk.held.join(', ')}`, 'Look again which disk is the card: lsblk');
  if (disk.size === 0) return refused(`${disk.path} has no card in it`, 'Put the card in, and wait a moment.');
  if (disk.readOnly)
    return refused(`${disk.path} cannot be written`, 'Slide the lock of the card or its adapter back.');
  if (disk.size < wish.image) return tooSmall(disk, wish);
  if (disk.size > largestDisk)
    return refused(`${disk.path} is larger than 2.2 TB, which the image cannot use`, 'Take a smaller one.');
  const twice = wish.fixedDisk !== undefined && (wish.fixedDisk === disk.name || wish.fixedDisk === disk.path);
  if (wish.fixedDisk !== undefined && !twice) {
    return refused(`--fixed-disk says ${wish.fixedDisk}, and --to is ${disk.path}`, 'Both have to name the same disk.');
  }
  if (!twice && !disk.removable) {
    return refused(
      `${disk.path} cannot be taken out of this machine`,
      `If it is the right one all the same, say its name twice: --to ${disk.path} --fixed-disk ${disk.name}`,
    );
  }
  if (!twice && disk.size > largestCard) {
    return refused(
      `${disk.path} has ${describeBytes(disk.size)}, more than a card has`,
      `If it is the right one all the same, say its name twice: --to ${disk.path} --fixed-disk ${disk.name}`,
    );
  }
  return { kind: 'good', disk };
}

function tooSmall(disk: DiskFacts, wish: DiskWish): DiskVerdict {
  return {
    kind: 'refused',
    why: `${disk.path} has ${describeBytes(disk.size)}, and the image ${describeBytes(wish.image)}`,
    hint: 'Take a larger one; 16 GB or more leaves room for evidence.',
  };
}

/** One line for a person: `/dev/sdb  SanDisk Ultra  serial 4C53000112  31.9 GB  usb, removable`. */
export function describeDisk({ path, model, serial, size, transport, removable }: DiskFacts): string {
  const kind = [transport, removable ? 'removable' : 'fixed'].filter((one) => one !== undefined).join(', ');
  return [path, model ?? 'no model', `serial ${serial ?? 'unknown'}`, describeBytes(size), kind].join('  ');
}

export function describeBytes(bytes: number): string {
  if (bytes >= gigabyte) return `${(bytes / gigabyte).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
