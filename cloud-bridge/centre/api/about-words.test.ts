import test from 'ava';
import { aboutWords } from './about-words.ts';

const of = (body: unknown): string | undefined => aboutWords('command', { parameters: {}, query: {}, body });

test('a command is told with its id, and with its reason where it has one', (t) => {
  const [unit, id] = ['north-1', 'act-00000001'];
  t.is(
    of({ command: { name: 'self-test', unit, id, arguments: {} } }),
    'command self-test for north-1, id act-00000001',
  );
  t.is(
    of({ command: { name: 'reboot', unit, id, arguments: { reason: 'camera hangs' } } }),
    'command reboot for north-1, id act-00000001: camera hangs',
  );
  const long = of({ command: { name: 'reboot', unit, id, arguments: { reason: 'x'.repeat(500) } } }) ?? '';
  t.regex(long, /: x{200}\.\.\.$/);
  // What is signed may hold anything.
  t.is(
    of({ command: { name: 'reboot', unit, id, arguments: { reason: { $ne: 1 } } } }),
    'command reboot for north-1, id act-00000001',
  );
});
