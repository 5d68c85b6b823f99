import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { lineWidth } from '../../../device/cli/help-layout.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { DocumentSigner } from '../../../device/kernel/signed/sign-document.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { signerOf } from '../../contract/person-key.ts';
import { parseBridgeAddress } from '../../fleet/bridge-address.ts';
import { FleetClient } from '../../fleet/fleet-client.ts';
import { readKeyFile } from '../../fleet/key-files.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { type Cell, type Colour, type Column, painted, type TableLook, table, wrap } from '../../fleet/table.ts';
import { plain, safeJson } from '../../fleet/text.ts';
import type { FleetIo, Sink } from './fleet-io.ts';

/** What every command that speaks with the centre takes. */
export interface CentreFlags {
  readonly bridge?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly json?: boolean;
}

export const onCentre = (command: Command): Command =>
  command
    .option('--bridge <address>', 'unix:PATH or https://HOST:PORT; ATALAYA_BRIDGE unless said otherwise')
    .option('--key <file>', 'your private key; ATALAYA_KEY unless said otherwise')
    .option('--ca <file>', "authority of the bridge's certificate (PEM); ATALAYA_CA unless said otherwise")
    .option('--json', 'JSON instead of a table');

/** How long the bridge may say nothing. */
const quietMs = 30_000;

/** Where the answers of one call go: words for a person, or JSON for a program. */
export class Printer {
  readonly io: FleetIo;
  readonly json: boolean;

  constructor(io: FleetIo, json: boolean) {
    this.io = io;
    this.json = json;
  }

  /** A line for a person, and nothing where JSON was asked for. */
  say(text: string, colour?: Colour): void {
    if (!this.json) say(this.io.out, this.io, text, colour);
  }

  /** The answer itself. */
  tell(value: unknown): void {
    if (this.json) this.io.out.write(`${safeJson(value)}\n`);
  }

  /** A table, or what to do where it has no row; nothing where JSON was asked for. */
  show(columns: readonly Column[], rows: readonly (readonly Cell[])[], empty: string): void {
    if (this.json) return;
    if (rows.length === 0) this.say(empty);
    else for (const line of table(columns, rows, lookOf(this.io.out, this.io))) this.io.out.write(`${line}\n`);
  }

  /** Not a result: where things stand, what to do. */
  note(text: string): void {
    say(this.io.err, this.io, text);
  }

  /** As `note`, of a call to be typed: where it does not fit it stands on a line of its own, and is left whole for whoever copies it. */
  noteCall(label: string, call: string): void {
    const { err } = this.io;
    const whole = `${label}: ${call}`;
    if (!err.terminal || whole.length <= widthOf(err, this.io)) this.note(whole);
    else {
      this.note(`${label}:`);
      err.write(`${plain(call)}\n`);
    }
  }
}

/** One call of the program: who calls, what to, and where the answers go. */
export class Session extends Printer {
  readonly client: FleetClient;
  readonly signer: DocumentSigner;

  constructor(io: FleetIo, json: boolean, client: FleetClient, signer: DocumentSigner) {
    super(io, json);
    this.client = client;
    this.signer = signer;
  }

  /** Throws `usage-invalid`, `key-missing`, `key-invalid` before anything is asked of anybody. */
  static async open(io: FleetIo, flags: CentreFlags): Promise<Session> {
    const { ATALAYA_BRIDGE, ATALAYA_KEY, ATALAYA_CA } = io.environment;
    const bridge = flags.bridge ?? (ATALAYA_BRIDGE || undefined);
    const key = flags.key ?? (ATALAYA_KEY || undefined);
    const ca = flags.ca ?? (ATALAYA_CA || undefined);
    if (bridge === undefined) {
      throw new AtalayaError('usage-invalid', 'no bridge is named', {
        hint: 'Give --bridge, or set ATALAYA_BRIDGE, as unix:/var/lib/atalaya/api.sock or https://HOST:PORT.',
      });
    }
    if (key === undefined) {
      throw new AtalayaError('usage-invalid', 'no key is named: every request is signed', {
        hint: `Give --key, or set ATALAYA_KEY. One is made with: ${fleetProgram} new-key --out FILE`,
      });
    }
    const address = parseBridgeAddress(bridge);
    const signer = signerOf(
      await readKeyFile(
        resolve(key),
        `Correct --key (ATALAYA_KEY). One is made with: ${fleetProgram} new-key --out FILE`,
      ),
    );
    const authority = ca === undefined ? undefined : await readAuthority(resolve(ca));
    const { clock, newId } = io;
    const quiet = milliseconds(quietMs);
    const more = authority === undefined ? {} : { ca: authority };
    const client = new FleetClient({ address, signer, clock, newId, quiet, ...more });
    return new Session(io, flags.json === true, client, signer);
  }
}

/** Runs `work` with an open session and closes it. */
export async function withCentre<T>(
  io: FleetIo,
  flags: CentreFlags,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(io, flags);
  try {
    return await work(session);
  } finally {
    session.client.close();
  }
}

export const widthOf = ({ columns }: Sink, { environment }: Pick<FleetIo, 'environment'>): number =>
  lineWidth(columns, environment);

export function lookOf(sink: Sink, { environment }: Pick<FleetIo, 'environment'>): TableLook {
  const { NO_COLOR, TERM } = environment;
  const colours = sink.terminal && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  return { width: widthOf(sink, { environment }), colours };
}

/** Text in lines that fit a terminal; a line to a file stays whole. Every line of it is made plain. */
export function say(sink: Sink, io: Pick<FleetIo, 'environment'>, text: string, colour?: Colour): void {
  const { width, colours } = lookOf(sink, io);
  const most = sink.terminal ? width : Number.POSITIVE_INFINITY;
  for (const line of text.split('\n')) {
    const indent = /^ */.exec(line)?.[0] ?? '';
    const words = wrap(plain(line.slice(indent.length)), Math.max(20, most - indent.length));
    for (const part of words) sink.write(`${painted(`${indent}${part}`.trimEnd(), colour, colours)}\n`);
  }
}

/**
 * Asks before something is done. Throws `usage-invalid` where nobody can be asked and `yes` was not said; false where the person says no,
 * or ends the question without a word (Ctrl-C, Ctrl-D).
 */
export async function agreed(io: FleetIo, yes: boolean | undefined, question: string): Promise<boolean> {
  if (yes === true) return true;
  if (io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to be asked', {
      hint: 'Say --yes to have it done without a question.',
    });
  }
  const answer = (await io.ask(`${plain(question)} [y/N] `))?.trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}

async function readAuthority(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AtalayaError('usage-invalid', `the authority ${path} cannot be read`, {
      hint: 'Check --ca.',
      cause: error,
    });
  }
}
