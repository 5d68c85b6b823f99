import { resolve } from 'node:path';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { EvidenceView } from '../../contract/api-views.ts';
import { EvidenceFolder, signedRecord } from '../../fleet/evidence-folder.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { bytesWords, counted } from '../../fleet/text.ts';
import { noReply, relay, replyTo } from './command-relay.ts';
import { type Exit, exit } from './exits.ts';
import { requireHeard } from './known-units.ts';
import type { CentreFlags, Session } from './session.ts';

export interface PullFlags extends CentreFlags {
  readonly out: string;
  readonly file?: readonly string[];
  readonly hours: number;
  readonly wait: number;
}

/** The key file of a package: without it no other opens. */
const keys = 'keys';
const lookEveryMs = 2000;

/** Everything was held against the record here; whoever gets it from a stranger checks it by other means. */
const howToCheck =
  "Check it without this program, by the unit's public key: openssl and sha256sum, as cloud-bridge/fleet/README.md, Evidence, has it.";

/**
 * Has the unit grant the files, waits until the centre holds them, and writes each to the folder after it was held against the record. What
 * the centre holds already is not asked for again; a pull that was cut short is begun again and goes on.
 */
export async function pull(
  session: Session,
  unit: string,
  evidence: readonly string[],
  { out, file, hours, wait }: PullFlags,
): Promise<Exit> {
  const { io, client } = session;
  const until = io.clock.monotonic() + wait * 1000;
  const left = () => Math.max(0, (until - io.clock.monotonic()) / 1000);
  const names = file === undefined ? undefined : [...new Set([...file.map(nameInRecord), keys])];
  const view = async (id: string): Promise<EvidenceView> => {
    const found = await client.find('evidence', { parameters: { unit, evidence: id } }, io.signal);
    if (found !== undefined) return found;
    // A mistyped unit has no evidence either.
    await requireHeard(session, [unit]);
    throw new AtalayaError('usage-invalid', `the centre has heard of no evidence ${id} of ${unit}`, {
      hint: `What there is: ${fleetProgram} evidence list ${unit}`,
    });
  };
  const before = await Promise.all(evidence.map(view));
  const missing = evidence.filter((_, i) => !isHere(before[i], names));
  if (missing.length > 0) {
    const args = { evidence: [...missing], ...(names === undefined ? {} : { files: names }), hours };
    const sent = await relay(session, unit, 'evidence-pull', args, Math.min(10_080, hours * 60));
    session.note(`asked ${unit} for ${counted(missing.length, 'evidence', 'pieces of evidence')}`);
    const answered = await replyTo(session, sent, left());
    const { reply } = answered;
    if (reply?.outcome !== 'done') {
      session.tell({ unit, reply, evidence: [] });
      session.say(
        `${unit}: ${reply === undefined ? noReply(answered) : `${reply.outcome}: ${reply.reason ?? ''}`}`,
        'red',
      );
      return exit.failed;
    }
  }
  const results = [];
  for (const id of evidence) {
    const folder = await EvidenceFolder.open(resolve(out), id);
    const come = await arrival(session, () => view(id), names, left);
    const result = await written(session, folder, come, names);
    results.push(result);
    const { files, faults } = result;
    const here = files.filter((name) => !signedRecord.includes(name)).length;
    const count = `${here} of ${counted((names ?? come.files).length, 'file')}`;
    const with_ = here === files.length ? '' : ', and its signed record,';
    session.say(`${id}: ${count}${with_} in ${folder.path}`, faults.length === 0 ? 'green' : 'red');
    for (const fault of faults) session.say(`  ${fault}`);
  }
  session.tell({ unit, evidence: results });
  if (results.some(({ files }) => files.length > 0)) session.note(howToCheck);
  return results.every(({ faults }) => faults.length === 0) ? exit.done : exit.failed;
}

/** As the record has it, where the name that it bears in a folder was given: `files/context.jpg.age`. */
const nameInRecord = (name: string): string => name.replace(/^files\//, '').replace(/\.age$/, '');

const wanted = ({ files }: EvidenceView, names: readonly string[] | undefined) =>
  names === undefined ? files : files.filter(({ file }) => names.includes(file));

/** The record is here, and all that is wanted of its files; one may seal none. A name that it does not know is no reason to wait. */
function isHere(view: EvidenceView | undefined, names: readonly string[] | undefined): boolean {
  return view?.entry !== undefined && wanted(view, names).every(({ state }) => state === 'finished');
}

/** Waits until every file is here or has failed, or the time is over. */
async function arrival(
  { io, note }: Session,
  look: () => Promise<EvidenceView>,
  names: readonly string[] | undefined,
  left: () => number,
): Promise<EvidenceView> {
  let told = '';
  for (;;) {
    const view = await look();
    const files = wanted(view, names);
    if (isHere(view, names) || files.some(({ state }) => state === 'failed') || left() === 0) return view;
    const here = files.reduce((sum, one) => sum + one.here, 0);
    const all = files.reduce((sum, one) => sum + one.bytes, 0);
    const progress = `${view.evidence}: ${bytesWords(here)} of ${bytesWords(all)}`;
    if (progress !== told) note.call({ io }, progress);
    told = progress;
    await io.timer.sleep(milliseconds(lookEveryMs), io.signal);
    io.signal.throwIfAborted();
  }
}

interface Written {
  readonly evidence: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly faults: readonly string[];
}

async function written(
  { client, io }: Session,
  folder: EvidenceFolder,
  view: EvidenceView,
  names: readonly string[] | undefined,
): Promise<Written> {
  const { unit, evidence, entry } = view;
  const about = { evidence, folder: folder.path };
  if (entry === undefined) {
    return { ...about, files: [], faults: ['the record has not come to the centre yet: the unit may be offline'] };
  }
  const read = (file: string) => client.bytes('evidenceFile', { parameters: { unit, evidence, file } }, io.signal);
  const finished = wanted(view, names).filter(({ state }) => state === 'finished');
  const files = await folder.write(
    entry,
    finished.map(({ file }) => file),
    read,
  );
  const faults = [
    ...wanted(view, names)
      .filter(({ state }) => state !== 'finished')
      .map(({ file, state, reason }) => `${file}: ${state}${reason === undefined ? '' : `: ${reason}`}`),
    ...(names ?? [])
      .filter((name) => !view.files.some(({ file }) => file === name))
      .map((name) => `${name}: the record names no such file; it names ${sealedNames(view)}`),
  ];
  return { ...about, files, faults };
}

const sealedNames = ({ files }: EvidenceView): string =>
  files
    .map(({ file }) => file)
    .filter((file) => file !== keys)
    .join(', ') || 'none';
