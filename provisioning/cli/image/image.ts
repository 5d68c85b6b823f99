import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type ImageBoard, imageBoards } from '../../image/boards.ts';
import { buildImage } from '../../image/build-image.ts';
import type { AddCommands } from '../exits.ts';
import { say } from '../provision-io.ts';

interface ImageFlags {
  readonly board: ImageBoard;
  readonly out: string;
  readonly source: string;
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
        cache: resolve(flags.cache ?? join(source, '.build/image')),
        lock: resolve(flags.lock ?? join(source, `provisioning/image/locks/${flags.board}.lock`)),
        mirror: flags.mirror.replace(/\/+$/, ''),
        updateLock: flags.updateLock === true,
        signal: io.signal,
        say: (line) => say(io.err, `${((io.clock.monotonic() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`),
      });
      say(io.out, built.file);
      say(io.out, `${built.size} bytes, SHA-256 ${built.sha256}`);
    });
};
