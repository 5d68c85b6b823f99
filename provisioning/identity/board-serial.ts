import { readFile } from 'node:fs/promises';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { SerialSource } from '../contract/enrolment.ts';

export interface BoardSerial {
  readonly serial: string;
  readonly from: SerialSource;
}

/** Text of a small file of the system; undefined where there is none or this user may not read it. */
export type ReadText = (path: string) => Promise<string | undefined>;

export const readSystemText: ReadText = (path) => readFile(path, 'latin1').catch(() => undefined);

/** In the order in which they are believed. A Raspberry Pi and a Jetson have the first, a PC the second, and only root may read that. */
const places: readonly (readonly [path: string, from: SerialSource])[] = [
  ['/proc/device-tree/serial-number', 'device-tree'],
  ['/sys/class/dmi/id/product_serial', 'dmi'],
  ['/etc/machine-id', 'machine-id'],
];

/** What makers leave in the field when they have no serial. */
const noSerial =
  /^(0+|none|n\/a|na|unknown|default string|system serial number|not specified|to be filled by o\.?e\.?m\.?|123456789|x+)$/i;

/**
 * The serial of the board, or of the installation where the board tells none. Throws `store-failed` where nothing says who this is.
 */
export async function readBoardSerial(read: ReadText = readSystemText): Promise<BoardSerial> {
  for (const [path, from] of places) {
    const serial = serialIn(await read(path));
    if (serial !== undefined) return { serial, from };
  }
  throw new AtalayaError('store-failed', 'neither the board nor /etc/machine-id says which machine this is', {
    hint: 'Run: systemd-machine-id-setup',
  });
}

function serialIn(text: string | undefined): string | undefined {
  // The device tree ends its strings with a NUL.
  const bare = text?.replace(/\0+$/, '').trim() ?? '';
  if (bare === '' || noSerial.test(bare)) return undefined;
  const plain = bare
    .replace(/[^A-Za-z0-9.:+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 64);
  return plain === '' ? undefined : plain;
}
