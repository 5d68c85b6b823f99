import { join, resolve } from 'node:path';
import { longestTrust, openTrust } from '../../../cloud-bridge/contract/people.ts';
import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { publicKeyOf } from '../../../device/kernel/signed/key-id.ts';
import { acceptanceFiles } from '../../accept/acceptance.ts';
import { checkAcceptance } from '../../accept/check-acceptance.ts';
import { readText } from '../calibrate/small-files.ts';
import { type Exit, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { outcomeWords } from './acceptance-sheet.ts';

export interface VerifyFlags {
  readonly trust?: string;
  readonly rootKey?: string;
  readonly json?: boolean;
}

/** `accept verify`: exit code 1 where anything does not hold, a sentence for each. */
export async function verify(folder: string, flags: VerifyFlags, io: ProvisionIo): Promise<Exit> {
  const { trust, rootKey } = flags;
  if (trust === undefined || rootKey === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody says who may accept', {
      hint: 'Give --trust trust.json and --root-key root.public.pem.',
    });
  }
  const text = await readText(trust, 'the trust document');
  if (text.length > longestTrust) throw new AtalayaError('usage-invalid', `${trust} is no trust document`);
  const now = io.clock.utc();
  const root = publicKeyOf(await readText(rootKey, 'the root key'), rootKey);
  const people = openTrust(text, root, { utc: now, reliable: true });
  const held = (name: string) => readWholeFile(systemFiles, join(resolve(folder), name));
  const { document: main, ...others } = acceptanceFiles;
  const files = new Map<string, Buffer | undefined>();
  for (const name of Object.values(others)) files.set(name, await held(name));
  const { document, findings } = checkAcceptance({ document: await held(main), files, people, now });
  const holds = findings.every((finding) => finding.holds);
  if (flags.json === true)
    io.out.write(`${JSON.stringify({ holds, outcome: document?.outcome, findings }, null, 2)}\n`);
  else {
    if (document !== undefined) say(io.out, `${document.unit}: ${outcomeWords[document.outcome]}`);
    for (const finding of findings) say(io.out, `  ${finding.holds ? 'holds ' : 'FAILS '} ${plain(finding.says)}`);
  }
  return holds ? exit.done : exit.failed;
}
