import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { launchedBy } from '../../../ota/slots/launch-environment.ts';
import { DeskClient } from '../../evidence/desk/desk-client.ts';
import { deskPath } from '../../evidence/desk/serve-desk.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { type SelfTestReport, selfTestReport, selfTestSchemaId } from '../../selftest/contract/self-test-report.ts';
import { doctorLines, reportLines } from '../../selftest/report-words.ts';
import { evidenceFolder } from '../../unit/evidence.ts';
import { testUnitAlone } from '../../unit/selftest/alone.ts';
import { settle } from '../../unit/settings.ts';

/** What both commands are asked for. */
interface Flags {
  readonly config?: string;
  readonly source?: string;
  readonly scene?: string;
  readonly data?: string;
  readonly pulse: readonly string[];
  readonly seal?: boolean;
}

export interface SelfTestIo {
  /** Results, a line each; as wide as `width`. */
  readonly write: (line: string) => void;
  /** What is going on. */
  readonly note: (line: string) => void;
  readonly width: () => number;
  /** False: the unit is not fit for service. */
  readonly leave: (isFit: boolean) => void;
}

/** Adds `selftest` and `doctor`. */
export function addSelfTest(root: Command, io: SelfTestIo): void {
  const onUnit = (command: Command): Command =>
    command
      .option('--config <file>', "the unit's own configuration (YAML)")
      .option('--source <path>', 'a recording in place of the camera')
      .option('--scene <file>', 'the scene, where the configuration names none')
      .option('--data <folder>', "the unit's data folder, where the configuration names none")
      .option('--pulse <line>', 'switch this output on and off; may be given again', collected, [])
      .option('--seal', 'seal test evidence; it stays in the ledger for good');
  onUnit(root.command('selftest').description('what of this unit works, and what does not; ten seconds or so'))
    .option('--json', 'the report as one JSON object')
    .option('--out <file>', 'write the report there, for doctor and for acceptance')
    .action(async (flags: Flags & { readonly json?: boolean; readonly out?: string }) => {
      const report = await testUnit(flags, io.note);
      if (flags.out !== undefined) await writeReport(resolve(flags.out), report);
      if (flags.json === true) io.write(JSON.stringify(report));
      else for (const line of reportLines(report, io.width())) io.write(line);
      io.leave(report.outcome !== 'failed');
    });
  onUnit(root.command('doctor').description('the same, and what to do about each trouble, in order'))
    .option('--report <file>', 'of this report, which `selftest --out` has written, in place of a test')
    .action(async (flags: Flags & { readonly report?: string }) => {
      const report = flags.report === undefined ? await testUnit(flags, io.note) : await readReport(flags.report);
      for (const line of doctorLines(report, io.width())) io.write(line);
      io.leave(report.outcome !== 'failed');
    });
}

const collected = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** By the unit that runs here, or else by opening everything itself. */
async function testUnit(
  { pulse, seal = false, ...flags }: Flags,
  note: (line: string) => void,
): Promise<SelfTestReport> {
  const settings = await settle(flags, launchedBy(process.env));
  const { username } = userInfo();
  const request = { pulse, seal, actor: { kind: 'person', name: username, account: username } } as const;
  const desk = await DeskClient.connect(deskPath(evidenceFolder(settings.config.evidence.data))).catch(
    (error: unknown) => {
      if (isAtalayaError(error, 'desk-closed')) return undefined;
      throw error;
    },
  );
  if (desk === undefined) {
    note('no unit runs here: everything is opened for the test');
    return await testUnitAlone(settings, request);
  }
  try {
    note('asking the unit that runs here');
    return reportOf(await desk.selfTest(request), "the unit's report");
  } finally {
    await desk.close();
  }
}

const reportOf = (value: unknown, what: string): SelfTestReport => parse(selfTestReport, value, what, 'usage-invalid');

async function readReport(path: string): Promise<SelfTestReport> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, {
      hint: 'Give the file that `atalaya-unit selftest --out` has written.',
      cause,
    });
  });
  const value = jsonIn(text);
  // Of another document nobody wants to know what each of its fields lacks.
  if (!named.safeParse(value).success) {
    throw new AtalayaError('usage-invalid', `${path} is no report of a self-test`, {
      hint: 'Make one on the unit with `atalaya-unit selftest --out report.json`, and give that file.',
    });
  }
  return reportOf(value, path);
}

const named = z.object({ schema: z.literal(selfTestSchemaId) });

/** Undefined for what is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function writeReport(path: string, report: SelfTestReport): Promise<void> {
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`).catch((cause: unknown) => {
    throw new AtalayaError('usage-invalid', `${path} cannot be written`, {
      hint: 'Give --out a place that you may write to.',
      cause,
    });
  });
}
