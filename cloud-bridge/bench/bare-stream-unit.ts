import { filtersOf, topicOf } from '../contract/address.ts';
import { openPlainLink } from '../testing/plain-link.ts';

/** The unit of `measureBareStream`: says that it is there, counts bytes until all have come, and prints the seconds since it was connected. */
async function countBytes(url: string, unit: string, bytes: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let came = 0;
  let began = 0;
  const link = openPlainLink(url, unit, {
    online: async () => {
      began = performance.now();
      await link.publish(topicOf('streamGet', unit, {}), '{}', { qos: 0 });
    },
    offline: () => undefined,
    arrived: ({ payload }) => {
      came += payload.byteLength;
      if (came >= bytes) all.resolve();
    },
  });
  await link.subscribe(filtersOf('streamData', unit));
  await all.promise;
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
  await link.close();
}

const [url = '', unit = '', bytes = '0'] = process.argv.slice(2);
await countBytes(url, unit, Number(bytes));
