/** What the machine says of something that an image could be written to. */
export interface DiskFacts {
  /** As the kernel names it: `/dev/sdb`. */
  readonly path: string;
  readonly name: string;
  readonly kind: 'disk' | 'partition' | 'file' | 'other';
  /** Of a partition: the disk that it lies on. */
  readonly parent: string | undefined;
  /** Bytes; 0 where no card is in the reader. */
  readonly size: number;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  /** usb, mmc, nvme, sata, ... */
  readonly transport: string | undefined;
  readonly removable: boolean;
  readonly readOnly: boolean;
  /** Where it or one of its partitions is mounted; `[SWAP]` for swap. */
  readonly mounted: readonly string[];
  /** What else uses it: encrypted volumes, arrays, logical volumes. */
  readonly held: readonly string[];
}

/**
 * An open disk. Failures are the system's own errors (`EIO`, `ENXIO`, `ENOSPC`, ...).
 */
export interface BlockDevice {
  /** Writes all of the bytes, or throws with an unknown part of them written. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** What was written is on the medium. */
  sync(): Promise<void>;
  /** `length` bytes from `from` on, fewer where the disk ends, as the medium has them and not as memory remembers them. */
  readBack(from: number, length: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The disks of a machine. */
export interface Disks {
  /** Whole disks and readers, in the order of the kernel. */
  list(): Promise<readonly DiskFacts[]>;
  /** Undefined where there is nothing at this path. */
  look(path: string): Promise<DiskFacts | undefined>;
  /** For this program alone: fails with `EBUSY` where something uses the disk. */
  open(path: string): Promise<BlockDevice>;
}
