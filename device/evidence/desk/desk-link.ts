import type { Socket } from 'node:net';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { type Timer, withDeadline } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import {
  checkRequest,
  errorFrom,
  formatLine,
  type Greeting,
  longestAnswer,
  longestRequest,
  type NumberedAnswer,
  parseAnswer,
  parseGreeting,
  type Question,
} from './desk-protocol.ts';
import { connectTo } from './desk-socket.ts';
import { LineReader } from './line-reader.ts';

const greetingTime = milliseconds(10_000);

/** One connection to a unit, seen from the client: it is read only as fast as somebody asks. */
export class DeskLink {
  readonly greeting: Greeting;
  readonly #socket: Socket;
  readonly #answers: LineReader;

  constructor(greeting: Greeting, socket: Socket, answers: LineReader) {
    this.greeting = greeting;
    this.#socket = socket;
    this.#answers = answers;
  }

  /** Connects and hears the greeting. Throws as `connectTo` and `parseGreeting` do. */
  static async open(path: string, timer: Timer): Promise<DeskLink> {
    const socket = await connectTo(path);
    try {
      const answers = new LineReader(socket.iterator({ destroyOnReturn: false }), longestAnswer);
      const line = await withDeadline(lineOf(answers), greetingTime, "the unit's greeting", timer);
      return new DeskLink(parseGreeting(line), socket, answers);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Throws `usage-invalid` for a request that is none or too long, which the unit would end the connection for. */
  send(id: number, question: Question): void {
    const line = formatLine(checkRequest({ ...question, id }));
    if (Buffer.byteLength(line) > longestRequest) {
      throw new AtalayaError('usage-invalid', `the request is longer than ${longestRequest} bytes`, {
        hint: 'Ask for less at a time.',
      });
    }
    this.#socket.write(line);
  }

  /** The next answer. Throws `desk-closed` where the connection has ended, and what the unit says of the connection itself. */
  async next(time?: Milliseconds, timer?: Timer): Promise<NumberedAnswer> {
    const coming = lineOf(this.#answers);
    const line = await (time === undefined || timer === undefined
      ? coming
      : withDeadline(coming, time, "the unit's answer", timer));
    const answer = parseAnswer(line);
    if (answer.id === null) throw errorFrom(answer.error);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function lineOf(answers: LineReader): Promise<Buffer> {
  try {
    const line = await answers.line();
    if (line !== undefined) return line;
  } catch (error) {
    if (isAtalayaError(error)) throw error;
    throw ended(error);
  }
  throw ended();
}

/** The unit has gone, or has ended the connection. */
export function ended(cause?: unknown): AtalayaError {
  return new AtalayaError('desk-closed', 'the unit has ended the connection', {
    hint: 'Try again in a moment: the evidence is served again when the unit is back; `list` shows what was stated until then.',
    ...(cause === undefined ? {} : { cause }),
  });
}
