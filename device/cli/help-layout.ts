import { type Command, Help, type OutputConfiguration } from 'commander';

/** The help of commander, broken so that it fits a narrow terminal, too. */
export type HelpLayout = Partial<Help>;

const usual = 80;
const least = 20;
const indent = 2;
const gap = 2;
/** Where the words beside an option would be narrower, they stand under it. */
const narrowest = 28;
const usageLead = 'Usage: '.length;

/** For `Command.configureHelp`. */
export const helpLayout: HelpLayout = {
  minWidthToWrap: 16,
  commandUsage(this: Help, command: Command): string {
    const usage = Help.prototype.commandUsage.call(this, command);
    return this.boxWrap(usage, widthOf(this) - usageLead).replaceAll('\n', `\n${' '.repeat(usageLead)}`);
  },
  formatItem(this: Help, term: string, termWidth: number, description: string, helper: Help): string {
    const width = widthOf(this);
    if (description === '' || width - termWidth - gap - indent >= narrowest)
      return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
    const below = ' '.repeat(indent * 3);
    const words = this.boxWrap(description, width - below.length).replaceAll('\n', `\n${below}`);
    return `${' '.repeat(indent)}${term}\n${below}${words}`;
  },
};

/** Characters of a line: of the terminal, else what `COLUMNS` says, else 80. */
export function lineWidth(
  columns: number | undefined,
  { COLUMNS }: Readonly<Record<string, string | undefined>>,
): number {
  const said = Number(COLUMNS);
  return Math.max(least, columns ?? (Number.isInteger(said) && said > 0 ? said : usual));
}

/** For `Command.configureOutput` of a program that writes to the streams of its process. */
export const helpOutput: OutputConfiguration = {
  getOutHelpWidth: () => lineWidth(process.stdout.isTTY ? process.stdout.columns : undefined, process.env),
  getErrHelpWidth: () => lineWidth(process.stderr.isTTY ? process.stderr.columns : undefined, process.env),
};

const widthOf = ({ helpWidth = usual }: Help): number => helpWidth;
