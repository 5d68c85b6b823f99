import { connect } from 'node:net';
import test from 'ava';
import { type HealthReport, healthReport } from '../health/contract/health-report.ts';
import { serveStatus } from './status-server.ts';

const good = { state: 'good', detail: 'x' } as const;
const report = (status: HealthReport['status']): HealthReport => ({
  status,
  at: '2026-03-01T12:00:00.000Z',
  unit: 'u-1',
  software: '0.1.0',
  probes: {
    camera: good,
    clock: good,
    disk: good,
    memory: good,
    broker: { state: 'degraded', detail: 'no connection' },
  },
  problems: ['broker: no connection'],
});

const metrics = () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'a_total 1\n' });

test('a unit that works answers 200, one that does not 503, each with all probes', async (t) => {
  let status: HealthReport['status'] = 'good';
  const server = await serveStatus('127.0.0.1:0', { health: () => report(status), metrics });
  t.teardown(() => server.close());
  for (const [now, code] of [
    ['good', 200],
    ['degraded', 200],
    ['failed', 503],
  ] as const) {
    status = now;
    const answer = await fetch(`http://${server.address}/healthz`);
    t.is(answer.status, code);
    t.is(answer.headers.get('cache-control'), 'no-store');
    t.deepEqual(healthReport.parse(await answer.json()), report(now));
  }
  const head = await fetch(`http://${server.address}/healthz`, { method: 'HEAD' });
  t.deepEqual([head.status, await head.text()], [503, '']);
});

test('metrics are served as they are, and nothing else is', async (t) => {
  const server = await serveStatus('127.0.0.1:0', { health: () => report('good'), metrics });
  t.teardown(() => server.close());
  const answer = await fetch(`http://${server.address}/metrics`);
  t.deepEqual([answer.status, await answer.text()], [200, 'a_total 1\n']);
  t.is(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  for (const path of ['/', '/evidence', '/healthz/..%2f..%2fetc/passwd', '/%00', '/metrics/x']) {
    const { status } = await fetch(`http://${server.address}${path}`);
    t.true(status === 404 || status === 400, `${path} ${status}`);
  }
  for (const method of ['POST', 'PUT', 'DELETE']) {
    t.is((await fetch(`http://${server.address}/healthz`, { method, body: 'x' })).status, 404);
  }
});

test('a state that cannot be told is 503, and what went wrong inside is not told', async (t) => {
  const fails = () => {
    throw new Error('secret of the inside');
  };
  const server = await serveStatus('127.0.0.1:0', {
    health: fails,
    metrics: () => Promise.reject(new Error('secret')),
  });
  t.teardown(() => server.close());
  for (const path of ['healthz', 'metrics']) {
    const answer = await fetch(`http://${server.address}/${path}`);
    t.is(answer.status, 503);
    t.false((await answer.text()).includes('secret'));
  }
});

test('nobody holds a connection for ever, and closing ends those that are open', async (t) => {
  const server = await serveStatus('127.0.0.1:0', { health: () => report('good'), metrics });
  const [host, port] = server.address.split(':');
  const idle = connect(Number(port), host);
  await new Promise((resolve) => idle.once('connect', resolve));
  idle.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
  const ended = new Promise((resolve) => idle.once('close', resolve));
  idle.on('error', () => undefined);
  await server.close();
  await ended;
  await server.close();
  await t.throwsAsync(fetch(`http://${server.address}/healthz`));
});

test('an address that is none, or is taken, is refused with a reason', async (t) => {
  const sources = { health: () => report('good'), metrics };
  for (const listen of ['', '127.0.0.1', ':80', 'x:99999', 'a b:80', 'http://x:80', '::1:80']) {
    await t.throwsAsync(serveStatus(listen, sources), { code: 'usage-invalid', message: /no host and port/ });
  }
  const server = await serveStatus('127.0.0.1:0', sources);
  t.teardown(() => server.close());
  await t.throwsAsync(serveStatus(server.address, sources), {
    code: 'usage-invalid',
    message: /^cannot listen on 127\.0\.0\.1:\d+ for health and metrics: another program listens there$/,
  });
  await t.throwsAsync(serveStatus('203.0.113.9:0', sources), { message: /this machine has no such address/ });
  const six = await serveStatus('[::1]:0', sources).catch(() => undefined);
  if (six === undefined) t.log('skipped: this machine has no IPv6');
  else t.is((await fetch(`http://${six.address}/healthz`)).status, 200);
  await six?.close();
});
