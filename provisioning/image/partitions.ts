import { AtalayaError } from '../../device/kernel/errors.ts';

/** Bytes. */
export const sector = 512;
const mebibyte = 1024 * 1024;

/** The last two bytes of the first sector of every disk that has a table of partitions, little-endian. */
export const partitionMark = 0xaa55;

/** Of the first sector: the boot code before the table of partitions. */
export const bootCodeBytes = 440;

/** A partition as it is asked for; `bytes` are rounded up to whole MiB. */
export interface PartitionSize {
  readonly name: 'boot' | 'root' | 'data';
  /** System id of the table: 0x0c FAT32, 0xef EFI system, 0x83 Linux. */
  readonly type: number;
  readonly bytes: number;
  readonly bootable?: boolean;
}

/** A partition at its place. Bytes from the start of the disk. */
export interface PlacedPartition extends PartitionSize {
  /** From 1 on. */
  readonly number: number;
  readonly offset: number;
}

/** Places partitions one after the other on bounds of 1 MiB; the first MiB is the boot loader's. */
export function placePartitions(sizes: readonly PartitionSize[]): readonly PlacedPartition[] {
  if (sizes.length === 0 || sizes.length > 4) throw new AtalayaError('internal', 'a disk has one to four partitions');
  let offset = mebibyte;
  return sizes.map((size, index) => {
    const bytes = Math.ceil(size.bytes / mebibyte) * mebibyte;
    const placed = { ...size, bytes, number: index + 1, offset };
    offset += bytes;
    if (offset / sector > 0xffff_ffff) throw new AtalayaError('internal', 'the image is too large for its table');
    return placed;
  });
}

/** Bytes of the whole disk. */
export const diskBytes = (placed: readonly PlacedPartition[]): number =>
  placed.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes), 0);

/**
 * The first sector of a disk: boot code, identity, and the classic table of partitions. (Layout: UEFI specification 2.10, table 5-1 and 5-2.)
 *
 * @param code at most 440 bytes
 * @param diskId not 0: the kernel names partitions `PARTUUID=diskid-0N` by it
 */
export function masterBootRecord(code: Uint8Array, diskId: number, placed: readonly PlacedPartition[]): Uint8Array {
  if (code.byteLength > bootCodeBytes) throw new AtalayaError('internal', 'the boot code is longer than its place');
  const record = Buffer.alloc(sector);
  record.set(code, 0);
  record.writeUInt32LE(diskId, bootCodeBytes);
  for (const { number, type, offset, bytes, bootable } of placed) {
    const at = 446 + (number - 1) * 16;
    record[at] = bootable === true ? 0x80 : 0;
    // Cylinders and heads say nothing on a disk of today: all ones, "look at the sectors".
    record.set([0xfe, 0xff, 0xff], at + 1);
    record[at + 4] = type;
    record.set([0xfe, 0xff, 0xff], at + 5);
    record.writeUInt32LE(offset / sector, at + 8);
    record.writeUInt32LE(bytes / sector, at + 12);
  }
  record.writeUInt16LE(partitionMark, 510);
  return record;
}

/** As the kernel and blkid name a partition of such a disk. */
export const partitionId = (diskId: number, number: number): string =>
  `${diskId.toString(16).padStart(8, '0')}-${String(number).padStart(2, '0')}`;
