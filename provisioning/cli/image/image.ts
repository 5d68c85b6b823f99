import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, Option } from 'commander';
import { release as releaseNumber } from '../../../ota/contract/names.ts';
import { type ImageBoard, imageBoards } from '../../image/boards.ts';
import { buildImage } from '../../image/build-image.ts';
import type { AddCommands } from '../exits.ts';
import { say } from '../provision-io.ts';
import { layProgram } from './lay-program.ts';

interface ImageFlags {
  readonly board: ImageBoard;
  readonly out: string;
  readonly source: string;
  readonly release: number;
  readonly cache?: string;
  readonly lock?: string;
  readonly mirror: string;
  readonly updateLock?: boolean;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Adds `image`: a card's content for a board, from Debian and this program. */
export const addImage: AddCommands = (program, io) => {
  program
    .command('image')
    .description('make the image of a card or disk: Debian, this program, no secrets, the same bytes each time')
    .addOption(new Option('--board <board>', 'what it is for').choices(imageBoards).makeOptionMandatory())
    .requiredOption('--out <file>', 'where it goes; FILE.sha256 lies beside it')
    .option('--source <folder>', 'the program', root)
    .option('--release <number>', 'of the program: what updates of it count on from', readRelease, 1)
    .option(
      '--cache <folder>',
      'packages and parts, kept between calls; .build/image of the program unless said otherwise',
    )
    .option(
      '--lock <file>',
      'the packages, with versions and hashes; provisioning/image/locks/BOARD.lock unless said otherwise',
    )
    .option('--mirror <address>', 'the archive of Debian', 'http://deb.debian.org')
    .option('--update-lock', 'take the packages of today, and write them down')
    .action(async (flags: ImageFlags) => {
      const source = resolve(flags.source);
      const begun = io.clock.monotonic();
      const built = await buildImage({
        board: flags.board,
        out: resolve(flags.out),
        source,
        layProgram: layProgram(source, flags.release, process.versions.node),
        cache: resolve(flags.cache ?? join(source, '.build/image')),
        lock: resolve(flags.lock ?? join(source, `provisioning/image/locks/${flags.board}.lock`)),
        mirror: flags.mirror.replace(/\/+$/, ''),
        updateLock: flags.updateLock === true,
        signal: io.signal,
        say: (line) => say(io.err, `${((io.clock.monotonic() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`),
      });
      say(io.out, built.file);
      say(io.out, `${built.size} bytes, SHA-256 ${built.sha256}`);
      const { version, release, tree } = built.program;
      say(io.out, `program ${version}, release ${release}: tree ${tree.length} bytes, SHA-256 ${tree.sha256}`);
    });
};

function readRelease(text: string): number {
  const read = releaseNumber.safeParse(/^\d{1,10}$/.test(text) ? Number(text) : text);
  if (read.success) return read.data;
  throw new InvalidArgumentError('a release is a number from 1 on, as those of its updates');
}
