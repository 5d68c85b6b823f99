#!/usr/bin/env node
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { explain } from '../../device/kernel/errors.ts';
import { importBundles } from '../bundles/import-bundles.ts';
import { calibrate } from '../calibrate.ts';
import { writeTable } from '../calibration/table.ts';
import { loadBundle } from '../contract/bundle.ts';
import { bundlesFolder } from '../contract/places.ts';
import { recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { printParity } from './print-parity.ts';

const defaults = {
  output: bundlesFolder,
  table: fileURLToPath(new URL(`../calibration/${recipe.id}.json`, import.meta.url)),
};

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return value;
}

function program(): Command {
  const command = new Command('atalaya-models').description('Makes, checks and compares model bundles.');
  command
    .command('import')
    .description('make the float, int8 and tfjs bundles from the pinned npm tarball')
    .option('--output <DIR>', 'folder of the bundles', defaults.output)
    .option('--calibration <FILE>', 'calibration table', defaults.table)
    .option('--force', 'write bundles anew that are there already', false)
    .action(async ({ output, calibration, force }: { output: string; calibration: string; force: boolean }) => {
      await mkdir(output, { recursive: true });
      for (const { id, folder, outcome } of await importBundles({ recipe, output, calibration, force })) {
        console.log(outcome === 'kept' ? `${id}: present and verified in ${folder}` : `${id}: written to ${folder}`);
      }
    });
  command
    .command('calibrate')
    .description('derive the calibration table from pictures or videos')
    .argument('<sources...>', 'folders of pictures, .mjpeg files or videos')
    .requiredOption('--footage <TEXT>', 'what the sources show, for the header of the table')
    .option('--frames <N>', 'pictures from each source and view', positive, 8)
    .option('--output <FILE>', 'where the table goes', defaults.table)
    .option('--cache <DIR>', 'where the npm tarball is kept', defaults.output)
    .action(async (sources: string[], options: { footage: string; frames: number; output: string; cache: string }) => {
      await mkdir(options.cache, { recursive: true });
      const { footage, frames, cache } = options;
      const table = await calibrate({ recipe, cache, sources, footage, framesPerView: frames });
      await writeFile(options.output, writeTable(table));
      console.log(
        `${Object.keys(table.ranges).length} ranges from ${table.provenance.frames} pictures: ${options.output}`,
      );
    });
  command
    .command('verify')
    .description('check a bundle: manifest, presence and SHA-256 of every file, input')
    .argument('<bundle>', 'folder of the bundle')
    .action(async (folder: string) => {
      const { manifest, sha256 } = await loadBundle(folder);
      console.log(
        `${manifest.id} ${manifest.version}: ${Object.keys(manifest.files).length} files verified, manifest SHA-256 ${sha256}`,
      );
    });
  command
    .command('parity')
    .description('hold int8 against float, and float against tfjs, on real frames')
    .argument('<sources...>', 'folders of pictures, .mjpeg files or videos')
    .option('--frames <N>', 'pictures from each source and view', positive, 15)
    .option('--bundles <DIR>', 'folder of the bundles', defaults.output)
    .action(async (sources: string[], { frames, bundles }: { frames: number; bundles: string }) => {
      process.exitCode = (await printParity({ sources, framesPerView: frames, bundles, print: console.log })) ? 0 : 1;
    });
  return command;
}

try {
  await program().parseAsync();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
