import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { type OpenFile, systemFiles } from '../../../device/kernel/files.ts';
import type { DiskFacts, Disks } from '../../flash/block-device.ts';
import { type DiskFault, type FlashOutcome, type FlashProgress, flashImage } from '../../flash/flash-image.ts';
import { describeBytes, describeDisk, judgeDisk } from '../../flash/judge-disk.ts';
import { systemDisks } from '../../flash/system-disks.ts';
import { partitionMark, sector } from '../../image/partitions.ts';
import { type AddCommands, type Exit, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { chooseDisk } from './choose-disk.ts';

interface FlashFlags {
  readonly to?: string;
  readonly sha256?: string;
  readonly fixedDisk?: string;
  readonly confirm?: string;
  readonly file?: boolean;
}

/** Adds `flash`, for the disks of this machine. */
export const addFlash: AddCommands = (root, io, leave) => addFlashTo(systemDisks)(root, io, leave);

/** Adds `flash`, for any disks. */
export const addFlashTo =
  (disks: Disks): AddCommands =>
  (root: Command, io, leave) => {
    root
      .command('flash')
      .description('write an image to a card, and read it back')
      .argument('<image>', 'what image made; IMAGE.sha256 lies beside it')
      .option(
        '--to <disk>',
        'the whole disk: /dev/sdb, /dev/mmcblk0; without it the disks are shown, and one is asked for',
      )
      .option('--sha256 <hex>', 'of the image, instead of IMAGE.sha256')
      .option('--fixed-disk <name>', 'the name of the disk once more, for one that cannot be taken out')
      .option('--confirm <name>', 'what would be typed when asked: the name of the disk')
      .option('--file', 'write to a file, for an emulator')
      .action(async (image: string, flags: FlashFlags) => {
        leave(await flash(disks, resolve(image), flags, io));
      });
  };

async function flash(disks: Disks, path: string, flags: FlashFlags, io: ProvisionIo): Promise<Exit> {
  const image = await systemFiles.open(path, 'read').catch((cause: unknown) => {
    throw new AtalayaError('usage-invalid', `the image ${path} cannot be read`, { hint: 'Check the path.', cause });
  });
  try {
    const size = await image.size();
    await checkImage(image, size, path);
    const sha256 = flags.sha256 === undefined ? await hashBeside(path) : hexHash(flags.sha256, '--sha256');
    const asked = flags.to === undefined;
    const to = flags.to ?? (await chooseDisk(disks, { image: size, ...flags }, io));
    if (await isSame(path, to)) {
      throw new AtalayaError('usage-invalid', `${to} is the image itself: it would be written onto itself and lost`, {
        hint: 'Give --to another disk or file.',
      });
    }
    const wish = { path: to, image: size, fixedDisk: flags.fixedDisk, file: flags.file === true };
    const verdict = judgeDisk(await disks.look(to), wish);
    if (verdict.kind === 'refused') throw new AtalayaError('usage-invalid', verdict.why, { hint: verdict.hint });
    const { disk } = verdict;
    await confirm(disk, asked ? { confirm: flags.confirm ?? disk.name } : flags, io);
    // The card may have been changed for another one while somebody was typing.
    const again = judgeDisk(await disks.look(to), wish);
    if (again.kind === 'refused') throw new AtalayaError('usage-invalid', again.why, { hint: again.hint });
    if (describeDisk(again.disk) !== describeDisk(disk)) {
      throw new AtalayaError('usage-invalid', `${disk.path} is another disk now: ${describeDisk(again.disk)}`, {
        hint: 'Begin again.',
      });
    }
    const progress = progressLine(io);
    const job = { image, sha256, clock: io.clock, signal: io.signal, progress: progress.show };
    const outcome = await flashImage(() => disks.open(disk.path), job);
    progress.end();
    return report(outcome, disk, path, io);
  } finally {
    await image.close();
  }
}

/** Refuses what is no image of a disk before anybody asks for its hash. Throws `usage-invalid`. */
async function checkImage(image: OpenFile, size: number, path: string): Promise<void> {
  if (size === 0)
    throw new AtalayaError('usage-invalid', `${path} is empty`, { hint: 'Make it anew: atalaya-provision image' });
  const record = Buffer.alloc(sector);
  await image.read(record, 0);
  if (size % sector === 0 && record.readUInt16LE(sector - 2) === partitionMark) return;
  throw new AtalayaError(
    'usage-invalid',
    `${path} is no image of a disk: it has no table of partitions or was cut short`,
    {
      hint: 'Unpack it first if it is compressed; else fetch or make it again.',
    },
  );
}

/** Whether two paths lead to one file, over whatever links. */
async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

async function confirm(disk: DiskFacts, flags: Pick<FlashFlags, 'confirm'>, io: ProvisionIo): Promise<void> {
  say(io.err, describeDisk(disk));
  if (disk.kind === 'file' && flags.confirm === undefined) return;
  if (flags.confirm === undefined && io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is here to confirm which disk is written', {
      hint: `Add --confirm ${disk.name}`,
    });
  }
  const typed =
    flags.confirm ?? (await io.ask?.(`EVERYTHING on it will be lost. Type its name (${disk.name}) to go on: `)) ?? '';
  if (typed.trim() === disk.name) return;
  throw new AtalayaError('usage-invalid', `that is not ${disk.name}; nothing was written`, {
    hint:
      disk.kind === 'file'
        ? 'It is the name of the file, without its folder.'
        : 'Look again which disk is the card: lsblk',
  });
}

async function hashBeside(image: string): Promise<string> {
  const path = `${image}.sha256`;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const missing = systemCode(cause) === 'ENOENT';
    throw new AtalayaError('usage-invalid', missing ? `${path} is missing` : `${path} cannot be read`, {
      hint: 'It comes with the image. Without it a damaged image is not noticed; give the hash with --sha256 if you have it from elsewhere.',
      cause,
    });
  });
  return hexHash(text.trim().split(/\s+/)[0] ?? '', path);
}

function hexHash(text: string, from: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new AtalayaError('usage-invalid', `${from} holds no SHA-256`, { hint: 'It is 64 hexadecimal digits.' });
}

/** On a terminal one line that is written over, else a line for each tenth. */
function progressLine(io: ProvisionIo): { readonly show: (now: FlashProgress) => void; readonly end: () => void } {
  let last = '';
  let open = false;
  return {
    show: (now) => {
      const { step, done, total, speed } = now;
      const terminal = io.err.columns !== undefined;
      const mark = terminal
        ? `${step}${Math.floor((done / total) * 200)}`
        : `${step}${Math.floor((done / total) * 10)}`;
      if (mark === last) return;
      last = mark;
      if (terminal) io.err.write(`\r\x1b[K${progressText(now)}`);
      else say(io.err, progressText({ step, done, total, speed }));
      open = terminal;
    },
    end: () => {
      if (open) io.err.write('\n');
    },
  };
}

/** `writing  1.2 of 1.9 GB  63 %  18.4 MB/s  0:39 left`. */
export function progressText({ step, done, total, speed }: FlashProgress): string {
  const percent = `${Math.floor((done / total) * 100)} %`;
  const left = Math.ceil((total - done) / Math.max(speed, 1));
  const rate =
    speed === 0
      ? []
      : [`${(speed / 1e6).toFixed(1)} MB/s`, `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')} left`];
  return [step, `${describeBytes(done)} of ${describeBytes(total)}`, percent, ...rate].join('  ');
}

const faultWords: Readonly<Record<DiskFault, readonly [string, string]>> = {
  unplugged: ['it is gone: taken out, or its contact is bad', 'Put it in again and run the same call again.'],
  full: ['it has less room than it says: such cards are forged', 'Take another card.'],
  'read-only': [
    'it lets nothing be written',
    'Slide the lock of the card or its adapter back; a worn card locks itself for good.',
  ],
  medium: [
    'it could not be read or written there',
    'Try another reader; if it fails again the card is worn: take another one.',
  ],
};

function report(outcome: FlashOutcome, disk: DiskFacts, image: string, io: ProvisionIo): Exit {
  const useless = `${disk.path} does not start: it is NOT usable.`;
  switch (outcome.kind) {
    case 'done':
      say(io.out, `${disk.path} holds ${image}: ${describeBytes(outcome.bytes)} written and read back`);
      return exit.done;
    case 'image-differs':
      say(
        io.err,
        `${image} is damaged: its SHA-256 is ${outcome.got}\n  Nothing was written. Fetch or make the image again.`,
      );
      return exit.failed;
    case 'stopped':
      say(
        io.err,
        outcome.written === 0 ? 'stopped; nothing was written' : `stopped. ${useless}\n  Run the same call again.`,
      );
      return exit.failed;
    case 'failed': {
      const [what, hint] = faultWords[outcome.why];
      say(io.err, `failed at ${describeBytes(outcome.at)} while ${outcome.step}: ${what}. ${useless}\n  ${hint}`);
      return exit.failed;
    }
    case 'read-back-differs':
      say(
        io.err,
        `${disk.path} gives back something else than was written. ${useless}\n  The card or its reader is bad: take another one.`,
      );
      return exit.failed;
  }
}
