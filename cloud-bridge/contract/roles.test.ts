import test from 'ava';
import { mayDo, notAllowedWords, type Permission, permissions, roles } from './roles.ts';

test('whoever may not is told who may', (t) => {
  t.is(
    notAllowedWords({ name: 'Ana', role: 'auditor' }, 'config.push'),
    'Ana is auditor, and that role may not push configurations; operators and supervisors may',
  );
  t.is(
    notAllowedWords({ name: 'Ana', role: 'operator' }, 'rollout.run', 'change who is trusted'),
    'Ana is operator, and that role may not change who is trusted; supervisors may',
  );
  for (const permission of Object.keys(permissions) as Permission[]) {
    const words = notAllowedWords({ name: 'Ana', role: 'auditor' }, permission).split('; ')[1] ?? '';
    for (const role of roles) t.is(words.includes(`${role}s`), mayDo(role, permission), `${permission}: ${words}`);
  }
});
