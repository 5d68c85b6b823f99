import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { CommandName, commandArguments, Reply } from '../../contract/acts.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { hasFailedSelfTest, selfTestRows } from '../../fleet/self-test-words.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { counted, valueWords } from '../../fleet/text.ts';
import { type Answered, noReply, relay, replyTo } from './command-relay.ts';
import { type AddCommands, type Exit, exit } from './exits.ts';
import { requireHeard } from './known-units.ts';
import { agreed, type CentreFlags, onCentre, type Session, withCentre } from './session.ts';
import { actOf, numberOf, unitOf, unitsOf } from './words.ts';

interface CommandFlags extends CentreFlags {
  readonly wait?: boolean | number;
  readonly expires: number;
}

const waitS = 60;

/** Adds `command`. */
export const addCommands: AddCommands = (root, io, leave) => {
  const commands = root.command('command').description('tell units to do something now; each answers once');
  const toUnits = (name: string, about: string): Command =>
    onCentre(commands.command(name).description(about))
      .argument('<units...>', 'names of units', unitsOf)
      .option('--wait [seconds]', `for the answers; ${waitS} unless said otherwise`, numberOf(1, 86_400))
      .option('--expires <minutes>', 'not to be done later than this', numberOf(0.1, 10_080), 15);
  const sent = <N extends CommandName>(
    name: N,
    units: readonly string[],
    flags: CommandFlags,
    args: z.input<(typeof commandArguments)[N]>,
  ) => withCentre(io, flags, async (session) => leave(await send(session, name, units, flags, args)));

  toUnits('self-test', 'camera, lines, clock, storage, broker, detector, evidence: what works')
    .option('--pulse <line>', 'switch this output on and off; may be given again', collected, [])
    .option('--seal', 'seal test evidence; it stays in the ledger for good')
    .action((units: readonly string[], flags: CommandFlags & SelfTestFlags) => {
      const { pulse, seal } = flags;
      const asked = { ...(pulse.length === 0 ? {} : { pulse: [...pulse] }), ...(seal === true ? { seal } : {}) };
      return sent('self-test', units, flags, asked);
    });
  toUnits('snapshot', 'a picture of what the camera sees now')
    .option('--width <pixels>', 'of the picture', numberOf(160, 1920, true), 640)
    .option('--out <folder>', 'where the pictures go', '.')
    .action((units: readonly string[], flags: CommandFlags & { readonly width: number; readonly out: string }) =>
      withCentre(io, flags, async (session) => leave(await snapshot(session, units, flags))),
    );
  toUnits('reboot', 'start the machine again')
    .requiredOption('--reason <words>', 'why; stands in the audit log of the unit')
    .option('--yes', 'without a question')
    .action((units: readonly string[], flags: CommandFlags & { readonly reason: string; readonly yes?: boolean }) =>
      withCentre(io, flags, async (session) => {
        await requireHeard(session, units);
        const going = await agreed(io, flags.yes, `Reboot ${units.join(', ')}?`);
        if (going) return leave(await send(session, 'reboot', units, flags, { reason: flags.reason }));
        session.note('Nothing was sent.');
        leave(exit.failed);
      }),
    );
  toUnits('log-level', 'log more, or less, for a while')
    .addOption(
      new Option('--level <level>', 'from then on').choices(['debug', 'info', 'warn', 'error']).makeOptionMandatory(),
    )
    .option('--minutes <number>', 'then it goes back by itself', numberOf(1, 1440), 30)
    .action((units: readonly string[], flags: CommandFlags & LevelFlags) =>
      sent('log-level', units, flags, { level: flags.level, minutes: flags.minutes }),
    );
  toUnits('diagnostics', 'figures at short intervals for a while: telemetry live shows them')
    .option('--minutes <number>', 'for so long', numberOf(1, 120), 10)
    .option('--every <seconds>', 'so often', numberOf(1, 60), 5)
    .action((units: readonly string[], flags: CommandFlags & { readonly minutes: number; readonly every: number }) =>
      sent('diagnostics', units, flags, { minutes: flags.minutes, everyS: flags.every }),
    );
  onCentre(commands.command('reply').description('what became of a command'))
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('<id>', 'of the command, as it was told when it was sent', actOf)
    .option('--wait [seconds]', `for the answer; ${waitS} unless said otherwise`, numberOf(1, 86_400))
    .action((unit: string, id: string, { wait, ...flags }: CentreFlags & Pick<CommandFlags, 'wait'>) =>
      withCentre(io, flags, async (session) => {
        const sentBefore = { unit, id, name: 'self-test' } as const;
        const { name: _, ...answered } = await replyTo(session, sentBefore, wait === undefined ? 0 : secondsOf(wait));
        session.tell(answered);
        leave(report(session, [{ name: 'self-test', ...answered }]));
      }),
    );
};

interface SelfTestFlags {
  readonly pulse: readonly string[];
  readonly seal?: boolean;
}

const collected = (value: string, before: readonly string[]): readonly string[] => [...before, value];

interface LevelFlags {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly minutes: number;
}

const secondsOf = (wait: boolean | number): number => (typeof wait === 'number' ? wait : waitS);

async function send<N extends CommandName>(
  session: Session,
  name: N,
  units: readonly string[],
  flags: CommandFlags,
  args: z.input<(typeof commandArguments)[N]>,
): Promise<Exit> {
  await requireHeard(session, units);
  const sent = [];
  for (const unit of new Set(units)) sent.push(await relay(session, unit, name, args, flags.expires));
  if (flags.wait === undefined) {
    session.tell({ sent });
    for (const { unit, id, waits } of sent) {
      const where = waits ? 'waits: the centre has no broker, and gives it on until it expires' : 'is on its way';
      session.say(
        `${unit}: ${name} ${where}\n  What became of it: ${fleetProgram} command reply ${unit} ${id}`,
        ...(waits ? (['yellow'] as const) : []),
      );
    }
    return sent.some(({ waits }) => waits) ? exit.failed : exit.done;
  }
  const seconds = secondsOf(flags.wait);
  const answered = await Promise.all(sent.map((one) => replyTo(session, one, seconds)));
  session.tell({ answered });
  return report(session, answered);
}

const columns: readonly Column[] = [{ head: 'unit' }, { head: 'outcome' }, { head: 'result', wraps: true }];
const colours = { done: 'green', failed: 'red', refused: 'red' } as const;

function report(session: Session, answered: readonly Answered[]): Exit {
  session.show(
    columns,
    answered.flatMap((one): readonly (readonly Cell[])[] => {
      const { unit, reply } = one;
      if (reply === undefined) return [[{ text: unit }, { text: 'open', colour: 'yellow' }, { text: noReply(one) }]];
      const { problems, checks } = selfTestRows(unit, reply.result);
      const words = checks.length > 0 ? `self-test: ${counted(checks.length, 'check')}` : wordsOf(reply);
      return [
        [{ text: unit }, { text: reply.outcome, colour: colours[reply.outcome] }, { text: words }],
        ...problems,
        ...checks,
      ];
    }),
    'No unit was named.',
  );
  return answered.every(({ reply }) => reply?.outcome === 'done' && !hasFailedSelfTest(reply.result))
    ? exit.done
    : exit.failed;
}

function wordsOf({ reason, result = {} }: Reply): string {
  if (reason !== undefined) return reason;
  return Object.entries(result)
    .map(
      ([name, value]) =>
        `${name}: ${name === 'image' ? 'a picture' : typeof value === 'string' ? value : valueWords(value)}`,
    )
    .join(', ');
}

async function snapshot(
  session: Session,
  units: readonly string[],
  flags: CommandFlags & { readonly width: number; readonly out: string },
): Promise<Exit> {
  await requireHeard(session, units);
  const folder = resolve(flags.out);
  await mkdir(folder, { recursive: true });
  const sent = [];
  for (const unit of new Set(units)) {
    sent.push(await relay(session, unit, 'snapshot', { width: flags.width }, flags.expires));
  }
  const seconds = secondsOf(flags.wait ?? true);
  const answered = await Promise.all(sent.map((one) => replyTo(session, one, seconds)));
  const written = await Promise.all(answered.map((one) => writePicture(folder, one)));
  session.tell({ answered: written });
  return report(session, written);
}

/** The answer with the name of the file in the place of the picture. */
async function writePicture(folder: string, answered: Answered): Promise<Answered> {
  const { reply, unit, id } = answered;
  const { image, ...result } = reply?.result ?? {};
  if (reply?.outcome !== 'done') return answered;
  if (typeof image !== 'string') {
    throw new AtalayaError('message-refused', `${unit} answered without a picture`, {
      hint: `Look at its software: ${fleetProgram} status ${unit}`,
    });
  }
  const path = join(folder, `${unit}-${id.slice(0, 8)}.jpg`);
  const file = await open(path, 'wx');
  try {
    await file.writeFile(Buffer.from(image, 'base64'));
  } finally {
    await file.close();
  }
  return { ...answered, reply: { ...reply, result: { ...result, file: path } } };
}
