import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { boundAddress } from './bound-address.ts';

test('an address is told as it is bound, one of IPv6 in brackets, so that it can be asked', (t) => {
  const at = (address: string, family: string) => [{ address, family, port: 9465 }];
  t.is(boundAddress('http', at('127.0.0.1', 'IPv4')), 'http://127.0.0.1:9465');
  t.is(boundAddress('http', at('0.0.0.0', 'IPv4')), 'http://0.0.0.0:9465');
  t.is(boundAddress('https', at('::', 'IPv6')), 'https://[::]:9465');
  for (const address of ['::1', '2001:db8::7']) {
    const told = boundAddress('https', at(address, 'IPv6'));
    t.deepEqual([new URL(told).hostname, new URL(told).port], [`[${address}]`, '9465']);
  }
});

test('port 0 is told as the port that the system gave', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const bound = await boundOn(t, host);
    if (bound === undefined) continue;
    t.regex(boundAddress('http', [bound]), /^http:\/\/(127\.0\.0\.1|\[::1\]):[1-9]\d*$/);
    t.is(Number(new URL(boundAddress('http', [bound])).port), bound.port);
  }
});

async function boundOn(t: ExecutionContext, host: string): Promise<AddressInfo | undefined> {
  const server = createServer().listen(0, host);
  t.teardown(() => server.close());
  try {
    await once(server, 'listening');
  } catch {
    t.log(`this machine has no ${host}: passed over`);
    return undefined;
  }
  return server.address() as AddressInfo;
}
