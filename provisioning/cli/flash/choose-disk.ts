import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { DiskFacts, Disks } from '../../flash/block-device.ts';
import { type DiskVerdict, describeBytes, describeDisk, judgeDisk } from '../../flash/judge-disk.ts';
import { type ProvisionIo, say } from '../provision-io.ts';

interface Choice {
  /** Bytes of the image. */
  readonly image: number;
  readonly fixedDisk?: string;
  readonly file?: boolean;
}

interface Judged {
  readonly disk: DiskFacts;
  readonly verdict: DiskVerdict;
}

/**
 * Shows the disks of this machine, those that the image may go to first, and has a person name one: its path. A disk that is named although
 * it was refused is judged again by whoever writes. Throws `usage-invalid` where nobody is there to be asked, and where there is nothing to
 * choose from or another name was typed.
 */
export async function chooseDisk(disks: Disks, { image, fixedDisk, file }: Choice, io: ProvisionIo): Promise<string> {
  if (file === true) {
    throw new AtalayaError('usage-invalid', '--file needs the file to write to', { hint: 'Give --to FILE.' });
  }
  const judged = (await disks.list()).map((disk): Judged => {
    const named = fixedDisk === disk.name || fixedDisk === disk.path ? fixedDisk : undefined;
    return { disk, verdict: judgeDisk(disk, { path: disk.path, image, fixedDisk: named, file: false }) };
  });
  const good = judged.filter(({ verdict }) => verdict.kind === 'good').map(({ disk }) => disk);
  const refused = judged
    .filter(({ verdict }) => verdict.kind === 'refused')
    .toSorted((a, b) => Number(b.disk.removable) - Number(a.disk.removable));
  for (const line of listed(good, refused, image)) say(io.err, line);
  const [first] = good;
  if (first === undefined) {
    throw new AtalayaError('usage-invalid', 'no disk is here that this image may be written to', {
      hint: 'Put the card in, or do what the list says of it, and make the same call again.',
    });
  }
  if (io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is here to say which disk is written', {
      hint: `Give --to ${first.path} --confirm ${first.name}, if that is the card.`,
    });
  }
  const one = good.map(({ name }) => name).join(', ');
  const typed = (await io.ask(`EVERYTHING on the one that you name will be lost. Type its name (${one}): `)).trim();
  const chosen = judged.find(({ disk }) => typed === disk.name || typed === disk.path);
  if (chosen !== undefined) return chosen.disk.path;
  throw new AtalayaError(
    'usage-invalid',
    `no disk of this list is named ${JSON.stringify(typed)}; nothing was written`,
    {
      hint: 'Type a name as it stands in the list, such as sdb.',
    },
  );
}

function listed(good: readonly DiskFacts[], refused: readonly Judged[], image: number): readonly string[] {
  const line = (disk: DiskFacts) => `  ${disk.name.padEnd(8)}  ${describeDisk(disk)}`;
  return [
    ...(good.length === 0 ? [] : [`The image, ${describeBytes(image)}, may be written to:`, ...good.map(line)]),
    ...(refused.length === 0 ? [] : ['Not to:']),
    ...refused.flatMap(({ disk, verdict }) => [
      line(disk),
      ...(verdict.kind === 'refused' ? [`            ${verdict.why}. ${verdict.hint}`] : []),
    ]),
  ];
}
