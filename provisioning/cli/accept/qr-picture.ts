import { crc32, deflateSync } from 'node:zlib';

/** Pixels of white around the modules, in modules: ISO/IEC 18004 asks for four. */
const quiet = 4;

/** A QR code as a PNG, one pixel a module, grey, eight bits deep (ISO/IEC 15948): it is enlarged where it is shown. */
export function qrPicture(modules: readonly (readonly boolean[])[]): Buffer {
  const side = modules.length + 2 * quiet;
  const rows = Buffer.alloc((side + 1) * side, 0xff);
  for (let y = 0; y < side; y += 1) {
    const start = y * (side + 1);
    // Filter type of the row: none.
    rows[start] = 0;
    for (let x = 0; x < side; x += 1) {
      if (modules[y - quiet]?.[x - quiet] === true) rows[start + 1 + x] = 0;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  // Bits, colour type grey; compression, filter and interlace have one method each.
  head.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.byteLength, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
