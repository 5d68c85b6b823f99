import { join } from 'node:path';
import type { Ledger } from './finding.ts';
import { type PublicKey, verifierKey } from './keys.ts';
import { readUpTo } from './read-file.ts';
import { firstDifference } from './text-forms.ts';

/**
 * `unit.pem` and `unit.vkey` beside the evidence must be the key that the auditor brought: they are compared with it byte for byte,
 * and never used.
 */
export async function checkKeyCopies(
  folder: string,
  below: string,
  key: PublicKey,
  origin: string,
  ledger: Ledger,
): Promise<void> {
  const pem = String(key.key.export({ type: 'spki', format: 'pem' }));
  const copies = [
    { name: 'unit.pem', expected: pem, check: 'RFC 7468 §13' },
    { name: 'unit.vkey', expected: `${verifierKey(key, origin)}\n`, check: 'C2SP signed-note' },
  ];
  for (const { name, expected, check } of copies) {
    const where = { part: 'key' as const, path: `${below}/${name}`, check };
    const bytes = Buffer.from(expected);
    const content = await readUpTo(join(folder, where.path), bytes.byteLength + 1);
    if (content === 'absent') ledger.note({ ...where, says: 'The copy of the public key is missing.' });
    else if (!Buffer.isBuffer(content)) ledger.fail({ ...where, says: content.says });
    else {
      ledger.counts.bytes += content.byteLength;
      const byte = firstDifference(content, bytes);
      if (byte === undefined || (byte === bytes.byteLength - 1 && content.byteLength === byte)) continue;
      ledger.fail({ ...where, byte, says: 'From this byte on it is not the key that was given.' });
    }
  }
}
