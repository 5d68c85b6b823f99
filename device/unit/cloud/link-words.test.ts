import test from 'ava';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { LinkWords } from './link-words.ts';

function place() {
  const clock = new ManualClock(0);
  const said: string[] = [];
  return { clock, said, words: new LinkWords(clock, (sentence) => said.push(sentence)) };
}

test('an outage is said with each of its reasons once, and its end', (t) => {
  const { said, words } = place();
  words.online('5');
  for (let i = 0; i < 50; i += 1) {
    words.offline('the connection was broken');
    words.offline('nobody listens at b:8883');
  }
  words.online('3.1.1');
  t.deepEqual(said, [
    'link: connected to the broker, MQTT 5',
    'link: the broker is lost, the connection was broken; what is sealed waits for it',
    'link: the broker is not reached, nobody listens at b:8883; what is sealed waits for it',
    'link: connected to the broker again, MQTT 3.1.1',
  ]);
});

test('a link that comes and goes all night, and reasons that are ever new, fill no screen', async (t) => {
  const { clock, said, words } = place();
  for (let i = 0; i < 500; i += 1) words.offline(`reason ${i}`);
  t.is(said.length, 5);
  for (let minute = 0; minute < 600; minute += 1) {
    words.online('5');
    words.offline('the connection was broken');
    await clock.advance(60_000);
  }
  t.true(said.length <= 20 + 20, String(said.length));
});
