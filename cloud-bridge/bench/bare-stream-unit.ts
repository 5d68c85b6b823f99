import { systemClock } from '../../device/kernel/clock.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import { filtersOf, topicOf } from '../contract/address.ts';
import { openMqttLink } from '../link/mqtt-link.ts';

/** The unit of `measureBareStream`: says that it is there, counts bytes until all have come, and prints the seconds since the first. */
const [url = '', unit = '', bytes = '0'] = process.argv.slice(2);
let came = 0;
let began = 0;
let all: () => void = () => undefined;
const over = new Promise<void>((resolve) => {
  all = resolve;
});
const link = openMqttLink(
  {
    url,
    clientId: unit,
    protocol: '5',
    keepAlive: seconds(20),
    sessionExpiry: seconds(0),
    backoff: { first: milliseconds(300), most: milliseconds(3000) },
    connectDeadline: milliseconds(15_000),
    clock: systemClock,
    timer: systemTimer,
    random: Math.random,
  },
  {
    online: async () => {
      began = performance.now();
      await link.publish(topicOf('streamGet', unit, {}), '{}', { qos: 0 });
    },
    offline: () => undefined,
    arrived: ({ payload }) => {
      came += payload.byteLength;
      if (came >= Number(bytes)) all();
    },
  },
);
await link.subscribe(filtersOf('streamData', unit));
await over;
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
await link.close();
