import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { Entry } from '../record/read-entry.ts';
import { DeskClient } from './desk-client.ts';
import { deskPath, serveDesk } from './serve-desk.ts';
import { all, codeOf } from './testing/audited-store-contract.ts';
import { newFolder, openDesk, RudeClient, until } from './testing/desk-trial.ts';
import { idleStore } from './testing/idle-store.ts';

const by = { actor: { kind: 'person', name: 'A. Auditor', account: 'auditor' }, reason: 'a trial' } as const;
const evidence = { kind: 'evidence', record: { sequence: 1, files: [], sealing: null } } as unknown as Entry & {
  readonly kind: 'evidence';
};

/** Another process that serves a path. */
async function served(path: string, umask = '22'): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./testing/serve-idle.ts', import.meta.url));
  const child = spawn(process.execPath, [program, path, umask], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

/** Pieces without end, counted as they are taken. */
function endless() {
  const count = { taken: 0, left: 0 };
  const store = idleStore({
    entry: async () => evidence,
    ciphertext: async function* () {
      try {
        for (;;) {
          count.taken += 1;
          yield new Uint8Array(256 * 1024);
        }
      } finally {
        count.left += 1;
      }
    },
  });
  return { store, count };
}

test('the socket is for its owner alone whatever the umask, however long its path, and goes with the desk', async (t) => {
  const folder = join(await newFolder(t), 'x'.repeat(120), 'y'.repeat(120));
  await mkdir(folder, { recursive: true });
  const path = deskPath(folder);
  for (const umask of ['0', '22', '777']) {
    const child = await served(path, umask);
    t.is((await lstat(path)).mode & 0o7777, 0o600, umask);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const desk = await serveDesk(idleStore(), path);
  t.deepEqual(await readdir(folder), ['desk.sock']);
  const client = await DeskClient.connect(path);
  t.is(await client.entry(1), undefined);
  await client.close();
  await desk.close();
  t.deepEqual(await readdir(folder), []);
  await desk.close();
});

test('what a killed process left is replaced, a live desk is not, nor what is no socket', async (t) => {
  const folder = await newFolder(t);
  const path = deskPath(folder);
  const child = await served(path);
  t.is(await codeOf(() => serveDesk(idleStore(), path)), 'store-locked');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.true((await lstat(path)).isSocket());
  t.is(await codeOf(() => DeskClient.connect(path)), 'desk-closed');
  await mkdir(join(folder, 'desk.part'));
  await writeFile(join(folder, 'desk.part', 'socket'), '');
  const desk = await serveDesk(idleStore(), path);
  t.is(await codeOf(() => serveDesk(idleStore(), path)), 'store-locked');
  const client = await DeskClient.connect(path);
  t.is(await client.act({ kind: 'list' }, by), 1);
  await client.close();
  await desk.close();
  await writeFile(path, 'mine');
  t.is(await codeOf(() => serveDesk(idleStore(), path)), 'store-failed');
  t.is(await codeOf(() => serveDesk(idleStore(), join(folder, 'none', 'desk.sock'))), 'store-failed');
  t.is(await codeOf(() => DeskClient.connect(join(folder, 'none', 'desk.sock'))), 'desk-closed');
});

test('another account is refused, with what to do', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: only root can be another account');
    t.pass();
    return;
  }
  const folder = await newFolder(t);
  const path = deskPath(folder);
  const desk = await serveDesk(idleStore(), path);
  t.teardown(() => desk.close());
  const script = `process.setuid(65534); require('node:net').connect(${JSON.stringify(path)}).on('error', (e) => console.log(e.code)).on('connect', () => console.log('in'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.is(String((await once(child.stdout, 'data'))[0]).trim(), 'EACCES');
  child.kill();
});

test('nonsense ends its own connection with a reason, and nobody else', async (t) => {
  const { path, desk } = await openDesk(t, idleStore());
  const honest = await DeskClient.connect(path);
  const said: readonly (string | Uint8Array)[] = [
    'GET / HTTP/1.1\r\n\r\n',
    '{}\n',
    'null\n',
    '{"id":1,"op":"destroy"}\n',
    '{"id":-1,"op":"checkpoint"}\n',
    '{"id":1,"op":"entry","sequence":"1"}\n',
    '{"id":1,"op":"entry","sequence":1,"__proto__":{"x":1},"more":1}\n',
    '{"id":1,"op":"act","act":{"kind":"erase","evidence":"a","keys":"b"},"by":{}}\n',
    `{"id":1,"op":"act","act":{"kind":"list"},"by":{"actor":{"kind":"policy","name":"age"},"reason":"x"}}\n`,
    Buffer.from([0xff, 0xfe, 0, 0x80, 0x0a]),
    `${'['.repeat(100_000)}\n`,
    Buffer.alloc(10_000_000, 'x'),
  ];
  for (const text of said) {
    const rude = await RudeClient.connect(t, path);
    rude.say(text);
    await rude.ended();
    const told = rude.heard.slice(1);
    if (text.length < 1_000_000) t.true(told.length === 1 && told[0]?.includes('"usage-invalid"'), String(told));
    t.true(told.every((line) => line.startsWith('{"id":null,"error"')));
    t.is(await honest.act({ kind: 'list' }, by), 1);
  }
  await until(() => desk.clients === 1);
  await honest.close();
  await until(() => desk.clients === 0);
});

test('half a request, and silence, end after their times', async (t) => {
  const limits = { line: milliseconds(50), idle: milliseconds(150) };
  const { path, desk } = await openDesk(t, idleStore(), { limits });
  const half = await RudeClient.connect(t, path);
  half.say('{"id":1,');
  const drip = await RudeClient.connect(t, path);
  const dripping = setInterval(() => drip.say(' '), 10);
  t.teardown(() => clearInterval(dripping));
  const silent = await RudeClient.connect(t, path);
  for (const client of [half, drip, silent]) {
    await client.ended();
    t.true(client.heard.at(-1)?.includes('deadline-exceeded'));
  }
  await until(() => desk.clients === 0);
});

test('who half-closes after a question is answered', async (t) => {
  const { path } = await openDesk(t, idleStore());
  const client = await RudeClient.connect(t, path);
  client.socket.end('{"id":7,"op":"entry","sequence":1}\n{"id":8,"op":"lines","from":1}\n');
  await client.ended();
  t.deepEqual(client.heard.slice(1), ['{"id":7,"ok":null}', '{"id":8,"ok":null}']);
});

test('a thousand connections: the first are served, the others told why not, and later there is room again', async (t) => {
  const { path, desk } = await openDesk(t, idleStore(), { limits: { connections: 8 } });
  const honest = await DeskClient.connect(path);
  const crowd: RudeClient[] = [];
  for (let i = 0; i < 1000; i += 50) {
    crowd.push(...(await Promise.all(Array.from({ length: 50 }, () => RudeClient.connect(t, path)))));
  }
  t.is(desk.clients, 8);
  const refused = crowd.at(-1);
  await refused?.ended();
  t.true(refused?.heard[0]?.includes('"desk-busy"'));
  t.is(await codeOf(() => DeskClient.connect(path)), 'desk-busy');
  t.is(await codeOf(async () => all(honest.lines(1))), 'desk-busy');
  t.is(await honest.act({ kind: 'list' }, by), 1);
  for (const { socket } of crowd) socket.destroy();
  await until(() => desk.clients === 1);
  t.deepEqual(await all(honest.lines(1)), []);
  await honest.close();
});

test('a client that leaves in the middle of a stream, or of an act, is forgotten, and the act is made', async (t) => {
  const { store, count } = endless();
  let acts = 0;
  const act = Promise.withResolvers<void>();
  const { path, desk } = await openDesk(t, {
    ...store,
    act: async () => {
      await act.promise;
      acts += 1;
      return acts;
    },
  });
  const rude = await RudeClient.connect(t, path);
  rude.ask(1, { op: 'ciphertext', sequence: 1, name: 'a' });
  rude.ask(2, { op: 'act', act: { kind: 'list' }, by });
  await until(() => count.taken > 20);
  rude.socket.destroy();
  await until(() => count.left === 1);
  act.resolve();
  await until(() => acts === 1 && desk.clients === 0);
  const client = await DeskClient.connect(path);
  for await (const piece of client.ciphertext({ sequence: 1, files: [], sealing: null }, 'a')) {
    t.is(piece.byteLength, 256 * 1024);
    break;
  }
  await until(() => count.left === 2);
  await client.close();
});

test('who does not read takes no memory beyond the buffers of the socket, holds up nobody, and is ended', async (t) => {
  const { store, count } = endless();
  const { path, desk } = await openDesk(t, store, { limits: { stall: milliseconds(400), connections: 20 } });
  for (let i = 0; i < 10; i += 1) {
    const deaf = await RudeClient.connect(t, path, { deaf: true });
    for (let id = 1; id <= 8; id += 1) deaf.ask(id, { op: 'ciphertext', sequence: 1, name: 'a' });
  }
  await until(() => count.taken >= 10);
  const honest = await DeskClient.connect(path);
  const started = performance.now();
  t.is(await honest.act({ kind: 'list' }, by), 1);
  t.true(performance.now() - started < 300);
  // Four requests of each are worked on, each at its first piece: the kernel's buffer holds less than one.
  t.true(count.taken <= 10 * 4, `${count.taken} pieces taken`);
  await until(() => desk.clients === 1);
  t.is(count.left, 10 * 4);
  t.is(await honest.act({ kind: 'list' }, by), 1);
  await honest.close();
});

test('a unit that closes answers what it has begun, ends streams with a reason, and tells waiting clients', async (t) => {
  const { store } = endless();
  const slow = Promise.withResolvers<void>();
  const { path, desk } = await openDesk(t, {
    ...store,
    act: async () => {
      await slow.promise;
      return 41;
    },
  });
  const client = await DeskClient.connect(path);
  const acting = client.act({ kind: 'list' }, by);
  const reading = codeOf(async () => {
    for await (const _ of client.ciphertext({ sequence: 1, files: [], sealing: null }, 'a'));
  });
  await until(() => desk.clients === 2);
  const closing = desk.close();
  t.is(await reading, 'desk-closed');
  t.is(await codeOf(() => DeskClient.connect(path)), 'desk-closed');
  slow.resolve();
  t.is(await acting, 41);
  await closing;
  const error = await t.throwsAsync(client.entry(1), { instanceOf: AtalayaError });
  t.is(error?.code, 'desk-closed');
  t.regex(error?.hint ?? '', /Try again/);
  t.is(await codeOf(async () => all(client.lines(1))), 'desk-closed');
});

test('a unit that never answers is not waited for without end, on either side', async (t) => {
  const hung = idleStore({
    act: () => new Promise<number>(() => undefined),
    entry: () => new Promise(() => undefined),
  });
  const first = await openDesk(t, hung, { limits: { answer: milliseconds(50), closing: milliseconds(50) } });
  const client = await DeskClient.connect(first.path);
  t.is(await codeOf(() => client.act({ kind: 'list' }, by)), 'deadline-exceeded');
  t.is(await codeOf(() => client.entry(1)), 'deadline-exceeded');
  await client.close();
  const second = await openDesk(t, hung, { limits: { closing: milliseconds(50) } });
  const hasty = await DeskClient.connect(second.path, { patience: milliseconds(50) });
  t.is(await codeOf(() => hasty.act({ kind: 'list' }, by)), 'deadline-exceeded');
  const waiting = codeOf(() => DeskClient.connect(second.path, {}).then((other) => other.act({ kind: 'list' }, by)));
  await until(() => second.desk.clients === 2);
  await second.desk.close();
  t.is(await waiting, 'desk-closed');
});

test('a desk closes in its time although a client holds all places, and another has said half a request', async (t) => {
  const hung = idleStore({ act: () => new Promise<number>(() => undefined) });
  const { path, desk } = await openDesk(t, hung, { limits: { closing: milliseconds(50) } });
  const full = await RudeClient.connect(t, path);
  for (let id = 1; id <= 9; id += 1) full.ask(id, { op: 'act', act: { kind: 'list' }, by });
  const half = await RudeClient.connect(t, path);
  half.say('{"id":1,');
  await until(() => full.heard.length === 1 && half.heard.length === 1);
  const started = performance.now();
  await desk.close();
  t.true(performance.now() - started < 2000);
});

test('a client that is closed fails what waits, and may be closed again', async (t) => {
  const { store, count } = endless();
  const { path } = await openDesk(
    t,
    { ...store, act: () => new Promise<number>(() => undefined) },
    {
      limits: { closing: milliseconds(50) },
    },
  );
  const client = await DeskClient.connect(path);
  const acting = codeOf(() => client.act({ kind: 'list' }, by));
  const reading = codeOf(async () => {
    for await (const _ of client.ciphertext({ sequence: 1, files: [], sealing: null }, 'a'));
  });
  await until(() => count.taken > 5);
  await client.close();
  await client.close();
  t.is(await acting, 'store-closed');
  t.is(await reading, 'store-closed');
  t.is(await codeOf(() => client.checkpoint()), 'store-closed');
});

test('errors arrive with code, message and hint; what is no fault of ours as internal', async (t) => {
  const fault = new AtalayaError('evidence-held', 'held by a, b', { hint: 'Release\nboth.' });
  let thrown: unknown = fault;
  const { path } = await openDesk(t, idleStore({ act: () => Promise.reject(thrown) }));
  const client = await DeskClient.connect(path);
  t.teardown(() => client.close());
  const got = await t.throwsAsync(client.act({ kind: 'list' }, by), { instanceOf: AtalayaError });
  t.like(got, { code: fault.code, message: fault.message, hint: fault.hint });
  thrown = new TypeError('x is not a function');
  t.true(isAtalayaError(await t.throwsAsync(client.act({ kind: 'list' }, by)), 'internal'));
  const long = { kind: 'read', evidence: ['x'.repeat(300_000)], opened: false } as const;
  t.is(await codeOf(() => client.act({ ...long, evidence: [...long.evidence] }, by)), 'usage-invalid');
  const policy = { actor: { kind: 'policy', name: 'age' }, reason: 'x' } as const;
  t.is(await codeOf(() => client.act({ kind: 'list' }, policy)), 'usage-invalid');
  t.is(await codeOf(() => client.inclusion(1.5)), 'usage-invalid');
  t.is(await client.entry(1), undefined);
});
