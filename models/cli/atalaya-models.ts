#!/usr/bin/env node
import '../../device/kernel/quiet-libraries.ts';

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { explain } from '../../device/kernel/errors.ts';
import { importBundles } from '../bundles/import-bundles.ts';
import { importNetwork } from '../bundles/import-network.ts';
import type { ImportedBundle } from '../bundles/keep-bundle.ts';
import { calibrate, calibrateNetwork } from '../calibrate.ts';
import { writeTable } from '../calibration/table.ts';
import { loadAnyBundle } from '../contract/bundle.ts';
import { bundlesFolder } from '../contract/places.ts';
import { networks } from '../recipe/networks.ts';
import { recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { platePictures } from './plate-pictures.ts';
import { printParity } from './print-parity.ts';
import { printPlateParity } from './print-plate-parity.ts';

const tables = fileURLToPath(new URL('../calibration', import.meta.url));
const defaults = { output: bundlesFolder, tables, table: join(tables, `${recipe.id}.json`) };

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return value;
}

function program(): Command {
  const command = new Command('atalaya-models').description('Makes, checks and compares model bundles.');
  command
    .command('import')
    .description('make every bundle from the pinned npm tarballs')
    .option('--output <DIR>', 'folder of the bundles', defaults.output)
    .option('--calibration <FILE>', 'calibration table of the vehicle detector', defaults.table)
    .option('--force', 'write bundles anew that are there already', false)
    .action(async ({ output, calibration, force }: { output: string; calibration: string; force: boolean }) => {
      await mkdir(output, { recursive: true });
      const print = (bundles: readonly ImportedBundle[]) => {
        for (const { id, folder, outcome } of bundles)
          console.log(outcome === 'kept' ? `${id}: present and verified in ${folder}` : `${id}: written to ${folder}`);
      };
      print(await importBundles({ recipe, output, calibration, force }));
      for (const network of networks) {
        const table = join(defaults.tables, `${network.id}.json`);
        print(await importNetwork({ recipe: network, output, calibration: table, force }));
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
    .command('calibrate-plates')
    .description(
      'derive the calibration tables of the plate networks: vehicles out of footage, and plates that are drawn',
    )
    .argument('<sources...>', 'folders of pictures, .mjpeg files or videos')
    .requiredOption('--footage <TEXT>', 'what the sources show, for the header of the tables')
    .option('--frames <N>', 'frames from each source', positive, 5)
    .option('--plates <N>', 'plates drawn', positive, 100)
    .option('--output <DIR>', 'where the tables go', defaults.tables)
    .option(
      '--bundles <DIR>',
      'folder of the bundles; the vehicle detector is used, and the tarball kept there',
      defaults.output,
    )
    .action(async (sources: string[], { footage, frames, plates, output, bundles }: PlateCalibration) => {
      const request = { sources, framesPerSource: frames, bundles, plates, seed: plateSeeds.calibration };
      const { vehicles, lines } = await platePictures(request);
      for (const network of networks) {
        const pictures = network.task === 'text-detection' ? vehicles : lines;
        const table = await calibrateNetwork({ recipe: network, cache: bundles, pictures, footage });
        const path = join(output, `${network.id}.json`);
        await writeFile(path, writeTable(table));
        console.log(`${Object.keys(table.ranges).length} ranges from ${pictures.length} pictures: ${path}`);
      }
    });
  command
    .command('verify')
    .description('check a bundle: manifest, presence and SHA-256 of every file, input')
    .argument('<bundle>', 'folder of the bundle')
    .action(async (folder: string) => {
      const { manifest, sha256 } = await loadAnyBundle(folder);
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
  command
    .command('parity-plates')
    .description(
      'hold the int8 plate networks against the float ones, on vehicles out of footage and plates that are drawn',
    )
    .argument('<sources...>', 'folders of pictures, .mjpeg files or videos')
    .option('--frames <N>', 'frames from each source', positive, 5)
    .option('--plates <N>', 'plates drawn', positive, 100)
    .option('--bundles <DIR>', 'folder of the bundles', defaults.output)
    .action(async (sources: string[], { frames, plates, bundles }: PlateParity) => {
      const request = { sources, framesPerSource: frames, bundles, plates, seed: plateSeeds.parity };
      process.exitCode = (await printPlateParity({ ...request, print: console.log })) ? 0 : 1;
    });
  return command;
}

interface PlateParity {
  readonly frames: number;
  readonly plates: number;
  readonly bundles: string;
}

interface PlateCalibration extends PlateParity {
  readonly footage: string;
  readonly output: string;
}

/** What is compared was not calibrated on: other plates, and other crops. */
const plateSeeds = { calibration: 1, parity: 2 } as const;

try {
  await program().parseAsync();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
