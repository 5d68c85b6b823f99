import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { TopicParameters, TopicPayload } from '../../contract/topics.ts';
import type { Link } from '../../link/link.ts';
import type { StreamWay } from './update-ports.ts';

/** Files go to units by the link. */
export function streamWay(link: Pick<Link, 'publish'>): StreamWay {
  const say = async <N extends 'streamAnswer' | 'streamData'>(
    name: N,
    unit: string,
    parameters: TopicParameters<N>,
    content: TopicPayload<N>,
  ) => {
    const { payload, qos, retain } = encodeMessage(name, content);
    await link.publish(topicOf(name, unit, parameters), payload, { qos, retain });
  };
  return {
    answer: (unit, answer) => say('streamAnswer', unit, {}, answer),
    block: (unit, id, block, bytes) => say('streamData', unit, { id, block: String(block) }, bytes),
  };
}
