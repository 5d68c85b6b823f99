import { toIso } from '../../../device/kernel/units.ts';
import type { SignedHolder } from '../../ca/sign-holder.ts';
import { type ProvisionIo, say } from '../provision-io.ts';

/** What was signed, for whoever signed it. */
export function tell({ record, again, cut }: SignedHolder, io: ProvisionIo): void {
  const { of, name, serial, until } = record;
  say(io.out, `${of} ${name} ${serial}, until ${toIso(until)}`);
  if (again) say(io.err, 'This request was signed before: it is the same certificate.');
  if (cut)
    say(io.err, 'It ends with the authority that signs. Renew that in time: atalaya-provision ca renew-intermediate');
}
