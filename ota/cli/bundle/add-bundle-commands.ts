import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { unitId } from '../../../cloud-bridge/contract/names.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { version as ownVersion } from '../../../device/version.ts';
import { writingTo } from '../../../provisioning/cli/write-output.ts';
import { targetFileName, writeWholeTarget } from '../../bundle/write-target.ts';
import { componentName, hardwareId, release, versionName } from '../../contract/names.ts';
import type { Target } from '../../contract/target.ts';
import type { OtaIo } from '../ota-io.ts';
import { type ComponentFacts, composeModel, composeTrust } from './bundle-component.ts';
import { bundlePatch } from './bundle-patch.ts';
import { bundleProgram } from './bundle-program.ts';
import { composeScene } from './bundle-scene.ts';
import type { ComposedBundle } from './compose-program.ts';

interface OutFlags {
  readonly out: string;
}
interface FactFlags extends OutFlags {
  readonly release: number;
  readonly version?: string;
  readonly hardware?: readonly string[];
}
interface ProgramFlags extends FactFlags {
  readonly cpu: 'x64' | 'arm64';
  readonly source: string;
  readonly cache?: string;
  readonly level?: number;
}
interface ComponentFlags extends FactFlags {
  readonly needsProgram?: number;
}
interface ModelFlags extends ComponentFlags {
  readonly model: string;
}
interface SceneFlags extends ComponentFlags {
  readonly scene: string;
  readonly references?: string;
  readonly picture?: { readonly width: number; readonly height: number };
  readonly unit: string;
  readonly name?: string;
}
interface TrustFlags extends ComponentFlags {
  readonly trust: string;
  readonly root?: string;
  readonly name?: string;
}
interface PatchFlags extends OutFlags {
  readonly from: string;
  readonly to: string;
}

const compression = z.int().min(1).max(19);
const numberOf = (text: string): unknown => (/^\d{1,10}$/.test(text) ? Number(text) : text);
const wholeWords = 'a whole number from 1';
const versionWords = 'such as 1.2.0';
const sources = fileURLToPath(new URL('../../..', import.meta.url));

/** Adds `bundle`: what units are sent, as targets that are ready to be signed. */
export function addBundleCommands(root: Command, io: OtaIo): void {
  // Else `--version` of a command would be taken for that of the program.
  root.enablePositionalOptions();
  const bundle = root.command('bundle').description('make what units are sent: the same content gives the same bytes');
  addProgram(bundle, io);
  addComponents(bundle, io);
  withOut(bundle.command('patch'))
    .description('make the patch from one bundle to another of the same component')
    .requiredOption('--from <file>', 'what units have (.tar.zst), with its .target.json beside it')
    .requiredOption('--to <file>', 'what they are to have')
    .action(async ({ from, to, out }: PatchFlags) => {
      const { signal, note } = io;
      tell(io, out, await writingTo(out, () => bundlePatch({ from, to, out: resolve(out), signal, note })));
    });
}

function addProgram(bundle: Command, io: OtaIo): void {
  withFacts(bundle.command('program'))
    .description('the program with its packages, Node and models, for one processor; made on either')
    .addOption(new Option('--cpu <cpu>', 'processor of the units').choices(['arm64', 'x64']).makeOptionMandatory())
    .option('--source <folder>', 'the program', sources)
    .option('--cache <folder>', 'packages, kept between calls; .build/bundle of the program unless said otherwise')
    .option(
      '--level <number>',
      'of the compression, 1 to 19: less for trials, which takes seconds; 19 unless told',
      (text) => checked(compression, numberOf(text), 'a whole number from 1 to 19'),
    )
    .action(
      async ({ cpu, source, cache, out, version = ownVersion, hardware = [cpu], release, level }: ProgramFlags) => {
        const stray = hardware.find((one) => one !== cpu && !one.startsWith(`${cpu}-`));
        if (stray !== undefined)
          throw new AtalayaError('usage-invalid', `${stray} is no hardware with ${cpu}`, {
            hint: `Name ${cpu}, or boards of it such as ${cpu}-rpi4.`,
          });
        const places = {
          source: resolve(source),
          cache: resolve(cache ?? join(source, '.build/bundle')),
          out: resolve(out),
        };
        const { signal, note } = io;
        const node = process.versions.node;
        const leveled = level === undefined ? {} : { level };
        const facts = { version, hardware, release, ...leveled };
        tell(io, out, await bundleProgram({ cpu, ...places, ...facts, node, signal, note }));
      },
    );
}

function addComponents(bundle: Command, io: OtaIo): void {
  const write = async (out: string, { files, manifest }: ComposedBundle): Promise<void> => {
    const work = () => writeWholeTarget(files, manifest, { folder: resolve(out), signal: io.signal });
    tell(io, out, await writingTo(out, work));
  };
  withNeeds(bundle.command('model'))
    .description('one model, in the place of the one of its id that the program brings')
    .requiredOption('--model <folder>', 'its bundle, as make models writes it')
    .action(async ({ out, model, ...facts }: ModelFlags) => write(out, await composeModel(model, factsOf(facts))));
  withNeeds(bundle.command('scene'))
    .description('a scene: lanes, lines, zones, calibration of one camera')
    .requiredOption('--scene <file>', 'the scene (YAML)')
    .requiredOption('--unit <name>', 'whose camera it is drawn for; every other unit refuses it', (text) =>
      checked(unitId, text, 'the name of a unit, such as north-1'),
    )
    .option(
      '--references <file>',
      'what the camera saw when it was calibrated (atalaya-provision calibrate references)',
    )
    .option(
      '--picture <width>x<height>',
      'of the pictures that the camera delivers: a scene of another shape is refused; those of --references unless told',
      pictureOf,
    )
    .addOption(nameOption('scene-UNIT'))
    .action(async ({ out, scene, references, picture, unit, name = `scene-${unit}`, ...facts }: SceneFlags) => {
      const given = {
        ...(references === undefined ? {} : { references }),
        ...(picture === undefined ? {} : { picture }),
      };
      const made = await composeScene({ scene, unit, name, ...given }, factsOf(facts));
      await write(out, made);
      io.write(`scene ${made.scene.name}, SHA-256 ${made.scene.sha256}, as evidence names it`);
      if (!made.scene.readsPlates) io.note('it names no plate formats: units read no plates by it');
      if (references === undefined)
        io.note(
          'without --references: units go on with those of their own configuration, which have to be of this scene',
        );
    });
  withNeeds(bundle.command('trust'))
    .description('who may configure and command the units: a trust document that the root key has signed')
    .requiredOption('--trust <file>', 'the document (JSON)')
    .option('--root <file>', 'public half of the root key (PEM): the signature is checked before')
    .addOption(nameOption('people'))
    .action(async ({ out, trust, root, name = 'people', ...facts }: TrustFlags) => {
      const files = { trust, name, ...(root === undefined ? {} : { root }) };
      await write(out, await composeTrust(files, factsOf(facts), io.clock));
    });
}

function pictureOf(text: string): NonNullable<SceneFlags['picture']> {
  const [, width, height] = /^([1-9]\d{1,4})x([1-9]\d{1,4})$/.exec(text) ?? [];
  if (width === undefined || height === undefined) throw new InvalidArgumentError('such as 1920x1080');
  return { width: Number(width), height: Number(height) };
}

const nameOption = (usual: string): Option =>
  new Option('--name <name>', `of the component; its releases are counted under it; ${usual} unless told`).argParser(
    (text) => checked(componentName, text, 'such as north-gate: lower-case letters, digits and dashes'),
  );

const withOut = (command: Command): Command =>
  command.requiredOption('--out <folder>', 'where it goes, with NAME.target.json beside it');

const withFacts = (command: Command): Command =>
  withOut(command)
    .requiredOption('--release <number>', 'counts the releases of the component, up only', (text) =>
      checked(release, numberOf(text), wholeWords),
    )
    .option('--version <version>', 'what people call it', (text) => checked(versionName, text, versionWords))
    .option('--hardware <id...>', 'what it runs on, such as arm64 or arm64-rpi4', (text, before: string[] = []) => [
      ...before,
      checked(hardwareId, text, 'such as arm64 or arm64-rpi4'),
    ]);

const withNeeds = (command: Command): Command =>
  withFacts(command).option('--needs-program <release>', 'lowest release of the program that reads it', (text) =>
    checked(release, numberOf(text), wholeWords),
  );

function factsOf({ release: number, version, hardware, needsProgram }: Omit<ComponentFlags, 'out'>): ComponentFacts {
  return {
    release: number,
    hardware: hardware ?? ['arm64', 'x64'],
    ...(version === undefined ? {} : { version }),
    ...(needsProgram === undefined ? {} : { needsProgram }),
  };
}

/** What a person typed; `words` say what it has to be. Throws commander's own fault, which ends with the code of a wrong call. */
function checked<T>(schema: z.ZodType<T>, value: unknown, words: string): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new InvalidArgumentError(words);
}

function tell(io: OtaIo, out: string, { target, length, sha256, description: { tree } }: Target): void {
  io.write(join(out, target));
  io.write(`${length} bytes, SHA-256 ${sha256}`);
  io.write(`tree ${tree.length} bytes, SHA-256 ${tree.sha256}`);
  io.note(`to be signed: ${join(out, targetFileName(target))}`);
}
