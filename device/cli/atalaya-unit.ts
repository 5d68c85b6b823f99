#!/usr/bin/env -S MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576 node --max-semi-space-size=4
import '../kernel/quiet-libraries.ts';

import { Command, CommanderError } from 'commander';
import { launchedBy, withoutLastFrame } from '../../ota/slots/launch-environment.ts';
import { leaveTrialFault } from '../../ota/slots/trial-fault.ts';
import { sleep } from '../kernel/clock.ts';
import { explain, firstFault } from '../kernel/errors.ts';
import { systemFiles } from '../kernel/files.ts';
import { systemTimer } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';
import { tallyOutcomes } from '../report/outcomes.ts';
import { type DrawRequest, drawUnit } from '../unit/draw.ts';
import { type GuardRequest, openGuard } from '../unit/guard.ts';
import { type ReadRequest, readUnit } from '../unit/read.ts';
import { runUntilDone } from '../unit/runs.ts';
import { type RunRequest, settle } from '../unit/settings.ts';
import { runUnit } from '../unit/unit.ts';
import { version } from '../version.ts';
import { exitAfter, exit as exits } from './exit-codes.ts';
import { helpLayout, helpOutput, lineWidth } from './help-layout.ts';
import { addConfigCommands } from './unit/config.ts';
import { giveWay } from './unit/give-way.ts';
import { addSelfTest } from './unit/selftest.ts';
import { addWatchList } from './unit/watch-list.ts';

// The first line keeps memory small (decision 0005): V8's young generation, and the arenas that glibc's allocator makes for threads.

/** Exit codes: the run went well or was stopped by a person, the run failed or lost evidence, the call was wrong, a truth was not met. */
const exit = { ...exits, untrue: 3 } as const;

/** A drain that takes longer than this is given up: the process manager's patience is not endless. */
const DRAIN_MS = 4500;
/** What the lines are given to become safe when the process is ended all the same. */
const LINES_MS = 300;

async function run(request: RunRequest & GuardRequest): Promise<number> {
  const stop = new AbortController();
  let launched = launchedBy(process.env);
  const guard = await openGuard(request, process.env, (line) => process.stderr.write(`${line}\n`));
  guard?.begin();
  const lines: { makeSafe: () => Promise<void> } = { makeSafe: async () => {} };
  const leave = async (why: string) => {
    process.stderr.write(`${why}; what was sealed is on disk\n`);
    guard?.release();
    await Promise.race([lines.makeSafe(), sleep(milliseconds(LINES_MS))]);
    // `process.exit` stops the threads first, and a network that computes then ends the process with an abort and a core dump.
    process.kill(process.pid, 'SIGKILL');
  };
  const interrupted = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) return void leave('stopped at once');
    process.stderr.write(`\n${name}: finishing what was seen; again to stop at once\n`);
    guard?.stopping();
    stop.abort();
    setTimeout(() => void leave(`the unit did not come to rest within ${DRAIN_MS} ms`), DRAIN_MS).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupted);
  const io = {
    stream: process.stdout,
    environment: process.env,
    ...(guard === undefined ? {} : { guard }),
    onLines: (makeSafe: () => Promise<void>) => {
      lines.makeSafe = makeSafe;
    },
  };
  const ended = await runUntilDone({
    // Another configuration, or a command: everything is opened anew, by the file as it is now.
    run: async (onStanding) => {
      guard?.opening();
      const settings = await settle(request, launched);
      // Of the program before only the first run is the successor.
      launched = launched && withoutLastFrame(launched);
      return runUnit(settings, { ...io, onStanding }, stop.signal);
    },
    stopped: stop.signal,
    timer: systemTimer,
    tell: (fault) => process.stderr.write(`${explain(fault)}\nbeginning anew\n`),
    stuck: () => void leave('the unit does not come to rest, and was to begin anew'),
  }).finally(() => guard?.close());
  const { last, lost, gives, lastFrame } = ended;
  // Stopped meanwhile: nothing follows.
  if (gives && !stop.signal.aborted) {
    guard?.givesWay();
    giveWay(launched, process.argv.slice(2), lastFrame);
  }
  if (lost > 0) return exit.failed;
  const comparison = last?.comparison;
  if (comparison === undefined || stop.signal.aborted) return exit.done;
  const { missed, invented } = tallyOutcomes(comparison);
  return missed === 0 && invented === 0 && comparison.plates.wrong === 0 ? exit.done : exit.untrue;
}

function program(): Command {
  const root = new Command('atalaya-unit')
    .description('The roadside unit: watches a road, judges what it sees, seals the evidence.')
    .version(version)
    .configureHelp(helpLayout)
    .configureOutput(helpOutput)
    .exitOverride();
  root
    .command('run')
    .description('watch a source until it ends or Ctrl-C')
    .option('--config <file>', 'configuration (YAML); every field has a default')
    .option('--source <path>', 'what to watch: an .mjpeg or any video file')
    .option('--scene <file>', 'the scene: lanes, lines, zones, calibration (YAML)')
    .option('--data <folder>', 'where evidence goes; one process at a time')
    .option('--events <file>', 'write one JSON object a line for each infraction and crossing')
    .option('--report <file>', 'the HTML report; report.html in the data folder unless said otherwise')
    .option('--truth <file>', 'compare with a known truth; exit code 3 where something is missed or invented')
    .option('--started <date>', 'date and time of the first frame, for a recording that does not state it')
    .option('--identity <file>', "for trials: the authority's age identity, which opens the pictures for the report")
    .option(
      '--watchdog <device>',
      "the machine's watchdog, such as /dev/watchdog0: fed only while frames are judged and sealed",
    )
    .option('--pace <pace>', 'timestamps: as it was recorded, skipping what is not kept up with; flat-out: every frame')
    .action(async (request: RunRequest & GuardRequest) => {
      process.exitCode = await run(request);
    });
  root
    .command('draw')
    .description('lay a scene over a picture of its source, to check how it was drawn')
    .requiredOption('--scene <file>', 'the scene (YAML)')
    .requiredOption('--source <path>', 'an .mjpeg or any video file')
    .option('--at <seconds>', 'the moment of the picture, from the beginning of the source', '0')
    .requiredOption('--out <file>', 'the PNG to write')
    .action(async (request: DrawRequest) => {
      await drawUnit(request, process.stdout);
    });
  root
    .command('read')
    .description('read the plates of photographs: what was found, read, voted and rejected, for whoever aims a camera')
    .argument('<images...>', 'JPEG, PNG, WebP or TIFF files')
    .option(
      '--formats <ids>',
      'national formats to expect, in order and without blanks, such as cl,ar-mercosur (all: device/plate/README.md); else those of the scene',
    )
    .option('--scene <file>', 'the scene that names them (YAML)')
    .option('--config <file>', 'configuration (YAML): bundles, threads, least confidence')
    .option('--whole', 'take each picture for one vehicle, instead of looking for vehicles in it')
    .option('--vote', 'take the pictures for pictures of one vehicle, of each the one in front, and vote over them')
    .option('--annotated <folder>', 'draw each vehicle with what was found on it, as PNG files')
    .option('--json', 'one JSON object a picture')
    .action(async (images: string[], request: ReadRequest) => {
      process.exitCode = (await readUnit(images, request, process.stdout, process.stderr)) ? exit.done : exit.failed;
    });
  addConfigCommands(root, (line) => process.stdout.write(`${line}\n`));
  addWatchList(root, (line) => process.stdout.write(`${line}\n`));
  addSelfTest(root, {
    write: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    width: () => lineWidth(process.stdout.isTTY ? process.stdout.columns : undefined, process.env),
    leave: (isFit) => {
      process.exitCode = isFit ? exit.done : exit.failed;
    },
  });
  return root;
}

// A reader that goes away (`| head`) is no reason for a unit to stop watching.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await program().parseAsync();
} catch (error) {
  const fault = firstFault(error);
  if (!(fault instanceof CommanderError)) {
    process.stderr.write(`${explain(fault)}\n`);
    if (process.argv[2] === 'run') await leaveTrialFault(systemFiles, launchedBy(process.env), explain(fault));
  }
  process.exitCode = exitAfter(fault);
}
