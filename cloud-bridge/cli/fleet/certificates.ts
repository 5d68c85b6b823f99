import { join, resolve } from 'node:path';
import { makeFolders, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { RenewalView } from '../../contract/certificate.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { counted, spanWords, timeWords } from '../../fleet/text.ts';
import { type AddCommands, type Exit, exit } from './exits.ts';
import { type GrantFile, readGrants } from './grant-files.ts';
import { requireHeard } from './known-units.ts';
import { requirePermission } from './permitted.ts';
import { type CentreFlags, onCentre, type Session, withCentre } from './session.ts';
import { numberOf, unitsOf } from './words.ts';

interface RequestFlags extends CentreFlags {
  readonly out: string;
  readonly all?: boolean;
}

interface DeliverFlags extends CentreFlags {
  readonly wait?: number;
}

/** Adds `certificates`: renewal of the certificates of units that nobody goes to. */
export const addCertificates: AddCommands = (root, io, leave) => {
  const certificates = root
    .command('certificates')
    .description('certificates of units: how old, who asks for the next one, what became of it');
  onCentre(certificates.command('list').description('every unit that renews its certificate by itself'))
    .argument('[unit...]', 'only these', unitsOf)
    .action((units: readonly string[] | undefined, flags: CentreFlags) =>
      withCentre(io, flags, async (session) => {
        const renewals = await renewalsOf(session, units);
        session.tell({ renewals });
        const now = io.clock.utc();
        session.show(
          columns,
          renewals.map((view) => rowOf(view, now)),
          'No unit has said anything of its certificate.',
        );
        const asking = renewals.filter((view) => isWaiting(view)).length;
        if (asking > 0) session.noteCall(`${counted(asking, 'request')} to be signed`, requestsCall);
      }),
    );
  onCentre(certificates.command('requests').description('write what is to be signed where the authority is'))
    .argument('[unit...]', 'only of these', unitsOf)
    .requiredOption('--out <folder>', 'a file for each unit goes there')
    .option('--all', 'also of units that were given a grant and have said nothing of it yet')
    .action((units: readonly string[] | undefined, flags: RequestFlags) =>
      withCentre(io, flags, (session) => writeRequests(session, units, flags)),
    );
  onCentre(certificates.command('deliver').description('give units what the authority has signed'))
    .argument('<grant...>', 'files, or folders of them, that atalaya-provision ca sign --renew wrote')
    .option('--wait <seconds>', 'until every unit has answered, so long at most', numberOf(1, 86_400))
    .action(async (paths: readonly string[], flags: DeliverFlags) => {
      const grants = await readGrants(paths);
      leave(await withCentre(io, flags, (session) => deliver(session, grants, flags)));
    });
};

const requestsCall = `${fleetProgram} certificates requests --out requests`;
const lookEvery = milliseconds(1000);

async function renewalsOf(session: Session, units: readonly string[] | undefined): Promise<readonly RenewalView[]> {
  if (units !== undefined && units.length > 0) await requireHeard(session, units);
  const { renewals } = await session.client.call('renewals', { parameters: {} }, session.io.signal);
  return units === undefined || units.length === 0 ? renewals : renewals.filter(({ unit }) => units.includes(unit));
}

/** It asks, and nothing that it was given is on its way. */
function isWaiting({ report: { request }, grant }: RenewalView): boolean {
  return request !== undefined && (grant === undefined || grant.answer !== undefined);
}

async function writeRequests(
  session: Session,
  units: readonly string[] | undefined,
  { out, all }: RequestFlags,
): Promise<void> {
  const found = (await renewalsOf(session, units)).filter((view) =>
    all === true ? view.report.request !== undefined : isWaiting(view),
  );
  const folder = resolve(out);
  if (found.length > 0) await makeFolders(systemFiles, folder);
  const written = [];
  for (const { unit, report } of found) {
    const file = join(folder, `${unit}.json`);
    await writeWholeFile(systemFiles, file, Buffer.from(`${JSON.stringify(report.request)}\n`));
    session.say(file);
    written.push({ unit, file });
  }
  session.tell({ requests: written });
  if (found.length === 0) return session.say('No unit asks for a certificate.');
  session.noteCall('Where the authority is', `atalaya-provision ca sign ${out} --renew --ca FOLDER --out grants`);
  session.noteCall('Then', `${fleetProgram} certificates deliver grants`);
}

interface Delivered {
  readonly unit: string;
  readonly version: number;
  readonly sha256?: string;
  /** Why the centre did not take it. */
  readonly refused?: string;
  answer?: NonNullable<RenewalView['grant']>['answer'];
}

async function deliver(session: Session, grants: readonly GrantFile[], { wait }: DeliverFlags): Promise<Exit> {
  await requirePermission(session, 'config.push', 'deliver certificates');
  const results: Delivered[] = [];
  for (const { grant } of grants) results.push(await deliverOne(session, grant));
  if (wait !== undefined) await answersOf(session, results, wait);
  session.tell({ grants: results });
  for (const { unit, refused, answer } of results) {
    if (refused !== undefined) continue;
    if (answer?.outcome === 'installed') session.say(`${unit}: installed`, 'green');
    else if (answer !== undefined) session.say(`${unit}: refused, ${answer.reason}: ${answer.detail}`, 'red');
    else if (wait !== undefined) session.say(`${unit}: no answer yet; the grant waits for it at the broker`, 'yellow');
  }
  if (wait === undefined) session.noteCall('What becomes of it', `${fleetProgram} certificates list`);
  const isGood = ({ refused, answer }: Delivered) =>
    refused === undefined && (wait === undefined || answer?.outcome === 'installed');
  return results.every(isGood) ? exit.done : exit.failed;
}

/** What is wrong with one grant keeps nobody else from theirs. */
async function deliverOne(session: Session, grant: GrantFile['grant']): Promise<Delivered> {
  const { unit, version } = grant;
  try {
    const asked = { parameters: { unit }, body: { grant } };
    const { sha256, relayed } = await session.client.call('deliverRenewal', asked, session.io.signal);
    session.say(`${unit}: grant ${version} ${relayed === undefined ? 'waits for the broker' : 'delivered'}`);
    return { unit, version, sha256 };
  } catch (error) {
    if (!isAtalayaError(error) || error.code === 'bridge-unavailable') throw error;
    session.say(`${unit}: not delivered: ${error.message}`, 'red');
    return { unit, version, refused: error.message };
  }
}

async function answersOf(session: Session, results: readonly Delivered[], wait: number): Promise<void> {
  const { io } = session;
  const until = io.clock.monotonic() + wait * 1000;
  for (;;) {
    const { renewals } = await session.client.call('renewals', { parameters: {} }, io.signal);
    for (const result of results) {
      const grant = renewals.find(({ unit }) => unit === result.unit)?.grant;
      if (grant?.sha256 === result.sha256 && grant?.answer !== undefined) result.answer = grant.answer;
    }
    const isOpen = results.some(({ refused, answer }) => refused === undefined && answer === undefined);
    if (!isOpen || io.clock.monotonic() >= until) return;
    await io.timer.sleep(lookEvery, io.signal);
    io.signal.throwIfAborted();
  }
}

const columns: readonly Column[] = [
  { head: 'unit' },
  { head: 'serial' },
  { head: 'ends' },
  { head: 'left', right: true },
  { head: 'renewal', wraps: true },
];

function rowOf(view: RenewalView, now: number): readonly Cell[] {
  const { unit, report } = view;
  const { certificate, expires } = report.enrolled;
  return [
    { text: unit, colour: 'bold' },
    { text: certificate.slice(0, 8) },
    { text: timeWords(expires).slice(0, 10) },
    { text: spanWords(Date.parse(expires) - now) },
    {
      ...renewalOf(view),
      below: [
        ...(report.problem === undefined ? [] : [report.problem]),
        ...(report.session === undefined || report.session === certificate
          ? []
          : [`connected with ${report.session.slice(0, 8)}`]),
      ],
    },
  ];
}

function renewalOf({ report: { age, due, request, enrolled }, grant }: RenewalView): Cell {
  if (grant !== undefined && grant.answer === undefined && grant.version > enrolled.version) {
    return { text: `granted ${timeWords(grant.delivered)}, no answer yet`, colour: 'yellow' };
  }
  const answer = grant?.answer;
  if (answer?.outcome === 'refused' && request !== undefined) {
    return { text: `grant refused, ${answer.reason}: ${answer.detail}`, colour: 'red' };
  }
  if (age === 'expired') return { text: 'expired: enrol the unit again (atalaya-provision enrol)', colour: 'red' };
  if (age === 'due') return { text: `asked for since ${timeWords(due).slice(0, 10)}`, colour: 'yellow' };
  return { text: `due ${timeWords(due).slice(0, 10)}` };
}
