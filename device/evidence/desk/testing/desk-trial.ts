import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { systemCode } from '../../../kernel/errors.ts';
import type { AuditedStore } from '../audited-store.ts';
import { type Desk, type DeskOptions, deskPath, serveDesk } from '../serve-desk.ts';

export async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-desk-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A desk in a folder of its own, closed at the end of the test. */
export async function openDesk(
  t: ExecutionContext,
  store: AuditedStore,
  options?: DeskOptions,
): Promise<{ desk: Desk; path: string }> {
  const path = deskPath(await newFolder(t));
  const desk = await serveDesk(store, path, options);
  t.teardown(() => desk.close());
  return { desk, path };
}

/** A client that keeps to nothing. */
export class RudeClient {
  readonly socket: Socket;
  #heard = '';
  #ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
    });
  }

  /** `deaf`: reads nothing. */
  static async connect(t: ExecutionContext, path: string, { deaf = false } = {}): Promise<RudeClient> {
    const client = new RudeClient(connect(path));
    t.teardown(() => client.socket.destroy());
    if (!deaf) client.socket.on('data', (data) => client.#hear(String(data)));
    try {
      await once(client.socket, 'connect');
      return client;
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      await wait(10);
      return RudeClient.connect(t, path, { deaf });
    }
  }

  /** Everything that the desk has said, line by line. */
  get heard(): readonly string[] {
    return this.#heard.split('\n').slice(0, -1);
  }

  say(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  ask(id: number, question: object): void {
    this.say(`${JSON.stringify({ id, ...question })}\n`);
  }

  /** Resolves when the desk has ended the connection. */
  ended(): Promise<void> {
    return until(() => this.#ended);
  }

  #hear(text: string): void {
    this.#heard += text;
  }
}

/** Waits for a condition, 10 seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i += 1) {
    if (condition()) return;
    await wait(10);
  }
  throw new Error(`not within 10 seconds: ${condition}`);
}
