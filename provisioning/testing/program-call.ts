import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../device/kernel/clock.ts';
import { systemClock } from '../../device/kernel/clock.ts';
import { exchangeOverHttp } from '../cli/http-exchange.ts';
import { runProvision } from '../cli/program.ts';
import type { Enrolment } from '../contract/enrolment.ts';
import type { EnrolmentCall } from '../contract/enrolment-routes.ts';
import { handleEnrolment } from '../enrol/handle-enrolment.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Person {
  readonly clock?: Clock;
  /** What a person types, in order; nobody is there where absent. */
  readonly types?: readonly string[];
  readonly passphrases?: readonly string[];
  /** Instead of any answer. */
  readonly stops?: () => Promise<never>;
}

/** Calls the program as its entry does. */
export async function provision(args: readonly string[], person: Person = {}): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const { clock = systemClock } = person;
  const typed = [...(person.types ?? [])];
  const secrets = [...(person.passphrases ?? [])];
  const signal = new AbortController().signal;
  const code = await runProvision(args, {
    out: { write: (text) => void out.push(text), columns: undefined },
    err: { write: (text) => void err.push(text), columns: undefined },
    ask: person.stops ?? (person.types === undefined ? undefined : async () => typed.shift() ?? ''),
    askSecret: person.stops ?? (person.passphrases === undefined ? undefined : async () => secrets.shift() ?? ''),
    exchange: exchangeOverHttp(signal),
    clock,
    randomBytes,
    signal,
  });
  return { code, out: out.join(''), err: err.join('') };
}

/** A unit's local page as far as enrolment goes. `between` stands on the wire and may change what the unit says. */
export async function serveUnit(
  unit: Enrolment,
  between: (call: EnrolmentCall, body: string) => string | Promise<string> = (_call, body) => body,
): Promise<{ readonly address: string; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const call = { method: request.method ?? '', path: request.url ?? '', body: Buffer.concat(chunks) };
      const { status, body } = await handleEnrolment(unit, call);
      response.writeHead(status, { 'content-type': 'application/json' }).end(await between(call, body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}
