import type { EvidenceView } from '../../contract/api-views.ts';
import type { Column } from '../../fleet/table.ts';
import { bytesWords } from '../../fleet/text.ts';
import { type PullFlags, pull } from './evidence-pull.ts';
import type { AddCommands } from './exits.ts';
import { type CentreFlags, onCentre, withCentre } from './session.ts';
import { evidencesOf, numberOf, textsOf, unitOf } from './words.ts';

/** Adds `evidence`. */
export const addEvidence: AddCommands = (root, io, leave) => {
  const evidence = root.command('evidence').description('sealed evidence: what is here, and have it brought');
  onCentre(evidence.command('list <unit>').description('evidence of which files are here, or on their way')).action(
    (unit: string, flags: CentreFlags) =>
      withCentre(io, flags, async (session) => {
        const { client } = session;
        const answer = await client.call('evidenceOf', { parameters: { unit: unitOf(unit) } }, io.signal);
        session.tell(answer);
        session.show(
          columns,
          answer.evidence.map((one) => [{ text: one.evidence }, { text: filesWords(one) }, { text: stateWords(one) }]),
          `No file of ${unit} is here. Files come with\n  atalaya-fleet evidence pull ${unit} ID --out FOLDER`,
        );
      }),
  );
  onCentre(evidence.command('pull <unit>').description('have a unit send evidence, and write it to a folder'))
    .argument('<evidence...>', 'ids of evidence', evidencesOf)
    .requiredOption(
      '--out <folder>',
      'where it goes, a folder for each evidence; what is there already is not asked for again',
    )
    .option('--file <name>', 'of the files of the record, this one; may be given again', textsOf)
    .option('--hours <number>', 'the centre may ask the unit for so long', numberOf(0.1, 720), 72)
    .option('--wait <seconds>', 'for the unit and its files', numberOf(0, 604_800), 600)
    .action((unit: string, evidenceIds: readonly string[], flags: PullFlags) =>
      withCentre(io, flags, async (session) => leave(await pull(session, unitOf(unit), evidenceIds, flags))),
    );
};

const columns: readonly Column[] = [{ head: 'evidence' }, { head: 'files' }, { head: 'state', wraps: true }];

function filesWords({ files }: EvidenceView): string {
  const here = files.filter(({ state }) => state === 'finished').length;
  return `${here} of ${files.length}`;
}

function stateWords({ files }: EvidenceView): string {
  const failed = files.find(({ state }) => state === 'failed');
  if (failed !== undefined) return `failed: ${failed.reason ?? failed.file}`;
  if (files.every(({ state }) => state === 'finished')) return 'here';
  const [here, all] = [
    files.reduce((sum, file) => sum + file.here, 0),
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  ];
  return files.some(({ state }) => state === 'asked')
    ? `on its way, ${bytesWords(here)} of ${bytesWords(all)}`
    : 'not asked for';
}
