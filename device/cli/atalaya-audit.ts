#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { explain, firstFault } from '../kernel/errors.ts';
import { version } from '../version.ts';
import {
  type CheckpointFlags,
  type DiffFlags,
  diff,
  saveCheckpoint,
  type VerifyFlags,
  verify,
} from './audit/checking.ts';
import { type ExportFlags, exportPacks } from './audit/export-packs.ts';
import { type ActFlags, erase, type HoldFlags, hold, type ListFlags, list, release, show } from './audit/looking.ts';
import { type NewAuthorityFlags, newAuthority } from './audit/new-authority.ts';
import { type RederiveFlags, rederiveAt } from './audit/re-deriving.ts';
import { type CosignFlags, cosign, repair } from './audit/repairing.ts';
import type { StoreFlags } from './audit/store-at.ts';
import { exitAfter, exit as exits } from './exit-codes.ts';
import { helpLayout, helpOutput } from './help-layout.ts';

/** Exit codes: done and in order, failed, the call was wrong, what was checked does not hold. */
const exit = { ...exits, refuted: 3 } as const;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Where the evidence is. */
const onStore = (command: Command): Command =>
  command
    .requiredOption('--store <folder>', "the unit's data folder, or the folder `evidence` in it")
    .option('--signing-key <file>', "the unit's signing key; signing-key.pem in the data folder unless said otherwise")
    .option('--tpm-handle <handle>', 'the signing key is in a TPM, at this persistent handle')
    .option('--tpm <tcti>', 'which TPM, as tpm2-tools name it');

/** Every look is an entry of the log. */
const stated = (command: Command): Command =>
  onStore(command)
    .requiredOption('--who <name>', 'who looks or acts: it stands in the log')
    .requiredOption('--why <reason>', 'the reason: it stands in the log');

const outcome = (holds: boolean): void => {
  process.exitCode = holds ? exit.done : exit.refuted;
};

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function program(signal: AbortSignal): Command {
  const root = new Command('atalaya-audit')
    .description('Evidence of a unit: list, show, hold, export, erase; and check it, trusting nobody.')
    .version(version)
    .configureHelp(helpLayout)
    .configureOutput(helpOutput)
    .exitOverride();

  stated(root.command('list').description('evidence, a line each'))
    .option('--rule <rule>', 'of one rule only')
    .option('--acts', 'instead, who looked, held, exported, erased, configured and updated, and tests')
    .option('--json', 'one JSON object a line')
    .action((flags: ListFlags) => list(flags, print, signal));
  stated(root.command('show <id>').description('a record, or any entry by its number, as it was signed')).action(
    (id: string, flags: ActFlags) => show(id, flags, print),
  );
  stated(root.command('export <id...>').description('an audit pack: everything that others need to check an evidence'))
    .requiredOption('--out <folder>', 'a new folder')
    .option('--identity <file>', "the authority's age identity: the pack then holds the pictures opened as well")
    .option('--since <checkpoint>', 'a checkpoint that was kept: the pack proves that nothing before it was rewritten')
    .action(async (ids: string[], flags: ExportFlags) => outcome(await exportPacks(ids, flags, print, signal)));
  stated(root.command('hold <id>').description('nothing erases it until the hold is released'))
    .requiredOption('--hold <name>', 'name of the hold, such as a case number')
    .action((id: string, flags: HoldFlags) => hold(id, flags, print));
  stated(root.command('release <id>').description('release a hold'))
    .requiredOption('--hold <name>', 'name of the hold')
    .action((id: string, flags: HoldFlags) => release(id, flags, print));
  stated(root.command('erase <id>').description('destroy its files for good; record and proofs stay')).action(
    (id: string, flags: ActFlags) => erase(id, flags, print),
  );
  onStore(root.command('checkpoint').description('save the newest signed state of the log, to be kept elsewhere'))
    .requiredOption('--out <file>', 'a new file')
    .action((flags: CheckpointFlags) => saveCheckpoint(flags, print));

  onStore(
    root.command('cosign <note>').description("keep a witness's signature with the newest checkpoint; no unit may run"),
  )
    .requiredOption('--witness <file>', 'verifier key of the witness; may be given again', collect, [])
    .action((note: string, flags: CosignFlags) => cosign(note, flags, print));
  onStore(
    root
      .command('repair')
      .description('make index and log hashes anew, remove leftovers of unfinished seals; no unit may run'),
  ).action((flags: StoreFlags) => repair(flags, print));

  root
    .command('verify <path>')
    .description('check a pack or a whole store, offline, from the public key alone')
    .requiredOption('--key <file>', "the unit's public key from a source that you trust: PEM or verifier key")
    .option('--checkpoint <file>', 'a checkpoint that was kept; may be given again', collect, [])
    .option('--witness <file>', 'verifier key of a witness; may be given again', collect, [])
    .option('--json', 'the verdict as JSON')
    .action(async (path: string, flags: VerifyFlags) => outcome(await verify(path, flags, print, signal)));
  root
    .command('diff <older> <newer>')
    .description('prove that nothing was rewritten between two checkpoints')
    .requiredOption('--key <file>', "the unit's public key from a source that you trust: PEM or verifier key")
    .option('--store <folder>', 'take the proof from this store')
    .option('--proof <file>', 'take the proof from this file, `log/consistency` of a pack')
    .option('--json', 'the verdict as JSON')
    .action(async (older: string, newer: string, flags: DiffFlags) => outcome(await diff(older, newer, flags, print)));
  root
    .command('re-derive <path>')
    .description('compute the figures of a pack or a record.json again, from its raw data')
    .option('--json', 'the result as JSON')
    .action(async (path: string, flags: RederiveFlags) => outcome(await rederiveAt(path, flags, print)));
  root
    .command('new-authority')
    .description('make the key pair to which units seal their pictures; prints the public half')
    .requiredOption('--out <file>', 'where the private half goes; age takes it too')
    .action((flags: NewAuthorityFlags) => newAuthority(flags, print));
  return root;
}

// A reader that goes away (`| head`) is no reason to leave a store half closed.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// What is being done is brought to a whole end, or taken back; a second signal ends the program where it stands.
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());

try {
  await program(stop.signal).parseAsync();
} catch (error) {
  const fault = firstFault(error);
  if (fault instanceof CommanderError) process.exitCode = exitAfter(fault);
  else if (stop.signal.aborted && fault === stop.signal.reason) {
    process.stderr.write('stopped: nothing is left half done\n');
    process.exitCode = exit.failed;
  } else {
    process.stderr.write(`${explain(fault)}\n`);
    process.exitCode = exitAfter(fault);
  }
}
