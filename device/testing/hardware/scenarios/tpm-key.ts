import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { milliseconds } from '../../../kernel/units.ts';
import type { Bench, Scenario } from '../bench.ts';
import { readUntil } from './evidence-lines.ts';

const patience = milliseconds(240_000);

/** The unit's key is made in the TPM, signs, and is there after the power was cut. */
export const tpmKey: Scenario = {
  name: 'tpm-key',
  says: 'a key that is made in the TPM signs, is never overwritten, and is the same one after the power was cut',
  play: async (bench, note) => {
    const made = await signedWith(bench, 'make', 'the first message');
    note(`made; a signature ${made.took}`);
    const opened = await signedWith(bench, 'open', 'the second message');
    assert.equal(opened.spki, made.spki);
  },
};

async function signedWith(bench: Bench, what: string, message: string): Promise<{ spki: string; took: string }> {
  const path = 'device/testing/hardware/guest/tpm-unit.ts';
  const machine = await bench.start('tpm-key', { kind: 'program', path, args: [what, message] });
  const [, spki = ''] = (await readUntil(machine, 'public', patience)).split(' ');
  const [, signature = ''] = (await readUntil(machine, 'signature', patience)).split(' ');
  const took = await readUntil(machine, 'took', patience);
  const { status, errors } = await machine.until('done', patience);
  assert.equal(status, 0, errors);
  await machine.cut();
  // Checked out here: the machine does not judge its own signature.
  const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  assert.ok(
    verify('sha256', Buffer.from(message), key, Buffer.from(signature, 'base64')),
    'the signature does not hold',
  );
  return { spki, took };
}
