#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import type { WriteStream } from 'node:tty';
import { systemClock } from '../../device/kernel/clock.ts';
import { exchangeOverHttp } from './http-exchange.ts';
import { runProvision } from './program.ts';
import type { ProvisionIo, Sink } from './provision-io.ts';
import { askOnTerminal, askSecretOnTerminal } from './terminal.ts';

// A reader that goes away (`| head`) ends what goes on, quietly. A second signal ends the program where it stands.
const stop = new AbortController();
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());

const sink = (stream: WriteStream): Sink => ({
  write: (text) => {
    stream.write(text);
  },
  get columns() {
    return stream.isTTY === true ? stream.columns : undefined;
  },
});

const terminal = process.stdin.isTTY === true;
const io: ProvisionIo = {
  out: sink(process.stdout),
  err: sink(process.stderr),
  ask: terminal ? (question) => askOnTerminal(question, stop.signal) : undefined,
  askSecret: terminal ? (question) => askSecretOnTerminal(question, stop.signal) : undefined,
  exchange: exchangeOverHttp(stop.signal),
  clock: systemClock,
  randomBytes,
  signal: stop.signal,
};
process.exitCode = await runProvision(process.argv.slice(2), io);
