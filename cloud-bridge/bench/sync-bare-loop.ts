import { connect, type MqttClient } from 'mqtt';
import { topicOf } from '../contract/address.ts';
import { countText } from './sync-count.ts';
import type { ClientPlace, Job, JobResults } from './sync-jobs.ts';

/** What a program without an outbox does: mqtt.js publishes at QoS 1, a fixed number of messages unacknowledged by the broker. */
export async function sendBare(job: Extract<Job, { kind: 'bare' }>): Promise<JobResults['bare']> {
  const { place, window, events, ms = Number.POSITIVE_INFINITY } = job;
  const client = await connected(place);
  const topic = topicOf('count', place.unit, {});
  const begun = performance.now();
  let sent = 0;
  let acknowledged = 0;
  await new Promise<void>((resolve, reject) => {
    client.once('close', () => reject(new Error(`the broker hung up with ${window} messages in flight`)));
    const fill = () => {
      while (sent < events && sent - acknowledged < window && performance.now() - begun < ms) {
        sent += 1;
        client.publish(topic, countText(sent), { qos: 1 }, (error) => {
          if (error) return reject(error);
          acknowledged += 1;
          if (acknowledged === sent && (sent === events || performance.now() - begun >= ms)) resolve();
          else fill();
        });
      }
    };
    fill();
  });
  const took = performance.now() - begun;
  client.removeAllListeners('close');
  await client.endAsync(true);
  return { events: acknowledged, ms: took };
}

function connected({ url, unit, ca, cert, key }: ClientPlace): Promise<MqttClient> {
  const client = connect(url, { clientId: unit, protocolVersion: 5, ca, cert, key, reconnectPeriod: 0 });
  return new Promise((resolve, reject) => {
    client.once('error', reject);
    client.once('connect', () => {
      client.off('error', reject);
      client.on('error', () => undefined);
      // As our link has it: otherwise it would wait 40 ms here and there.
      (client.stream as Partial<{ setNoDelay(on: boolean): void }>).setNoDelay?.(true);
      resolve(client);
    });
  });
}
