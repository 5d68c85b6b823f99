import type { Session } from '../../../cloud-bridge/cli/fleet/session.ts';
import { milliseconds, toIso } from '../../../device/kernel/units.ts';
import type { EvidenceProof } from '../../accept/acceptance.ts';
import { keyAtCentre, type ProofWish } from './prove-evidence.ts';

const lookEvery = milliseconds(1000);

/**
 * What the centre says of an entry to somebody who may look at the fleet and read no events: that it is archived, and that its witness has
 * signed a checkpoint over it, which it does for the entries that it holds alone. `archived` is the most that this comes to, since the
 * record itself was not seen here. Throws `bridge-unavailable`, `act-refused`.
 */
export async function centreWord({ client, io }: Session, wish: ProofWish): Promise<EvidenceProof> {
  const { unit, sequence, id, waitS } = wish;
  const until = io.clock.monotonic() + waitS * 1000;
  for (;;) {
    const known = await client.call('unit', { parameters: { unit } }, io.signal);
    const key = keyAtCentre(known, wish);
    const mark = known.marks.find(({ lane }) => lane === 'infraction')?.upTo ?? 0;
    const { checkpoint } = known;
    const at = toIso(io.clock.utc());
    const failed = (says: string): EvidenceProof => ({
      ...{ sequence, id, outcome: 'failed', says, record: null, signer: null },
      ...{ inclusion: 'not-readable', checkpoint: null, at },
    });
    if (!('says' in key) && checkpoint !== undefined && checkpoint.size >= sequence && mark >= sequence) {
      const { size, root } = checkpoint;
      return {
        ...{ sequence, id, outcome: 'archived', record: null, signer: key.signer, inclusion: 'not-readable', at },
        checkpoint: { size, root },
        says: `the centre says that it holds entry ${sequence}, and its witness signed the log of ${size} entries; the record itself was not read here, since this person may not`,
      };
    }
    if (io.clock.monotonic() >= until) {
      if ('says' in key) return failed(key.says);
      return failed(
        `the centre does not hold entry ${sequence} under a checkpoint within ${waitS} s: look at the unit's network, and try again`,
      );
    }
    await io.timer.sleep(lookEvery, io.signal);
    io.signal.throwIfAborted();
  }
}
