import { systemClock } from '../../../../device/kernel/clock.ts';
import { systemTimer } from '../../../../device/kernel/timer.ts';
import { StreamServer, type StreamServerOptions } from '../../../centre/updates/stream-server.ts';
import { filtersOf, topicOf } from '../../../contract/address.ts';
import { encodeMessage, parseMessage } from '../../../contract/message.ts';
import type { TopicName, TopicParameters, TopicPayload } from '../../../contract/topics.ts';
import type { Link } from '../../../link/link.ts';
import { openPlainLink } from '../../../testing/plain-link.ts';
import { StreamClient, type StreamClientOptions } from '../stream-client.ts';

/** The two ends of streams over a broker without TLS, without all else that a unit and a centre have to say to each other. */

async function publish<N extends TopicName>(
  link: Link,
  name: N,
  unit: string,
  parameters: TopicParameters<N>,
  content: TopicPayload<N>,
): Promise<void> {
  const { payload, qos, retain } = encodeMessage(name, content);
  await link.publish(topicOf(name, unit, parameters), payload, { qos, retain });
}

export interface CentreEnd {
  readonly server: StreamServer;
  close(): Promise<void>;
}

/** Resolves when it is connected. */
export async function openCentreEnd(
  url: string,
  clientId: string,
  files: StreamServerOptions['files'],
): Promise<CentreEnd> {
  let online: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => {
    online = resolve;
  });
  const link = openPlainLink(url, clientId, {
    online: () => online(),
    offline: () => undefined,
    arrived: ({ topic, payload }) => {
      const message = parseMessage(topic, payload, 'up');
      if (message.kind === 'message' && message.name === 'streamGet') server.asked(message.unit, message.content);
    },
  });
  const server = new StreamServer({
    files,
    answer: (unit, answer) => publish(link, 'streamAnswer', unit, {}, answer),
    block: (unit, id, block, bytes) => publish(link, 'streamData', unit, { id, block: String(block) }, bytes),
    clock: systemClock,
  });
  await link.subscribe(filtersOf('streamGet', '+'));
  await connected;
  const close = async () => {
    await link.close();
    await server.close();
  };
  return { server, close };
}

export interface UnitStreams {
  readonly client: StreamClient;
  /** How often it was connected. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Resolves when it is connected. */
export async function openUnitStreams(
  url: string,
  unit: string,
  more: Partial<StreamClientOptions> = {},
): Promise<UnitStreams> {
  let connections = 0;
  let online: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => {
    online = resolve;
  });
  const client: StreamClient = new StreamClient({
    publish: (get) => publish(link, 'streamGet', unit, {}, get),
    clock: systemClock,
    timer: systemTimer,
    random: Math.random,
    ...more,
  });
  const link = openPlainLink(url, unit, {
    online: () => {
      connections += 1;
      client.online();
      online();
    },
    offline: () => client.offline(),
    arrived: ({ topic, payload }) => {
      const message = parseMessage(topic, payload, 'down');
      if (message.kind === 'refused') return;
      if (message.name === 'streamAnswer') client.answered(message.content);
      if (message.name === 'streamData')
        client.data(message.parameters.id, Number(message.parameters.block), message.content);
    },
  });
  await link.subscribe([...filtersOf('streamAnswer', unit), ...filtersOf('streamData', unit)]);
  await connected;
  return { client, connections: () => connections, close: () => link.close() };
}
