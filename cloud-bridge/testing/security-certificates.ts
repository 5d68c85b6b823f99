import { setTimeout as wait } from 'node:timers/promises';
import type { AtalayaError } from '../../device/kernel/errors.ts';
import { type LinkClient, makeLinkClient } from './link-client.ts';
import { openTestLink } from './mqtt-harness.ts';
import { connectRaw } from './raw-client.ts';
import { type MakeSecurityCase, online } from './security-cases.ts';

/** Whose certificate is not good does not get in, and hears why. */
export function certificateCases(make: MakeSecurityCase): void {
  const refusals = [
    ['of an unknown authority', { otherCa: true }, /does not know the authority of our certificate/],
    ['that has expired', { expired: true }, /our certificate.*expired on 2/],
    ['that is not valid yet', { notYet: true }, /our certificate.*is not valid before 2/],
  ] as const;
  for (const [title, faults, words] of refusals)
    make(`a certificate ${title} is refused, and the link says why`, async ({ t, setup, own, open }) => {
      const client = await open(own, await setup.pki.issue(own, faults));
      t.is((await faultLike(client, words)).code, 'link-down');
      await wait(100);
      t.deepEqual(client.sessions, []);
    });

  make('no certificate is refused, and the link says why', async ({ t, setup, own }) => {
    const { ca } = await setup.pki.issue(own);
    const options = { url: setup.broker.url, clientId: own, protocol: setup.protocol, ca };
    const client = makeLinkClient((handlers) => openTestLink(options, handlers));
    t.truthy(await faultLike(client, /asks for a certificate that we do not have/));
    t.deepEqual(client.sessions, []);
    await client.link.close();
  });

  make('the link refuses a broker that it cannot know', async ({ t, setup, own, open }) => {
    const client = await open(own, { ca: setup.pki.otherCa });
    t.truthy(await faultLike(client, /certificate of the broker at .* is not from an authority that we trust/));
    const misnamed = await open(own, { serverName: 'centre.example' });
    t.truthy(await faultLike(misnamed, /certificate of the broker at .* is for another name/));
    t.deepEqual([client.sessions, misnamed.sessions], [[], []]);
  });

  make(
    'a revoked certificate is refused from the reload on; who is in stays in',
    async ({ t, setup, own, other, open }) => {
      const credentials = await setup.pki.issue(own);
      const resumable = await connectRaw(setup.broker.port, credentials, { clientId: own, protocol: '3.1.1' });
      t.true(resumable.accepted);
      resumable.close();
      const client = await online(open(own, credentials));
      await setup.pki.revoke(own);
      await setup.broker.reload();
      await wait(300);
      await client.link.publish(`atalaya/v1/${own}/state`, 'in', { qos: 1 });
      const again = await open(own, { ...credentials, clientId: own });
      t.truthy(await faultLike(again, /our certificate is revoked/));
      t.deepEqual(again.sessions, []);
      const resumed = await connectRaw(setup.broker.port, credentials, {
        clientId: own,
        protocol: '3.1.1',
        ...(resumable.session === undefined ? {} : { session: resumable.session }),
      });
      t.false(resumed.accepted, 'nor by taking up an earlier TLS session');
      resumed.close();
      await online(open(other));
    },
  );

  make(
    'a list of revoked certificates that is out of date refuses everyone, and the link hints at it',
    async ({ t, setup, own, open }) => {
      await setup.pki.renewCrl(-1);
      await setup.broker.reload();
      const client = await open(own);
      const fault = await faultLike(client, /our certificate/);
      t.regex(fault.hint ?? '', /list of revoked certificates|log of the broker/);
      t.deepEqual(client.sessions, []);
      await setup.pki.renewCrl(30);
      await setup.broker.reload();
      await client.online(30_000);
    },
  );
}

/**
 * The fault that was to come. On a machine with much else to do it need not be the first: an attempt that did not come to its end in time
 * says only that.
 */
async function faultLike(client: LinkClient, words: RegExp): Promise<AtalayaError> {
  const found = () => client.faults.find((fault) => words.test(fault?.message ?? ''));
  await client.until(() => found() !== undefined, 30_000);
  return found() as AtalayaError;
}
