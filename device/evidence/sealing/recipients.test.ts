import { generateHybridIdentity, identityToRecipient } from 'age-encryption';
import test from 'ava';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { createIdentity } from './identity.ts';
import { parseRecipients, tryRecipients } from './recipients.ts';

const one = await createIdentity();
const two = await createIdentity();
const hybrid = await identityToRecipient(await generateHybridIdentity());

function refusal(authority: readonly string[], operators: readonly string[]): AtalayaError {
  try {
    parseRecipients(authority, operators);
  } catch (error) {
    if (isAtalayaError(error, 'config-invalid')) return error;
    throw error;
  }
  throw new Error('accepted');
}

test('recipients are accepted as they are, post-quantum ones too, and can be encrypted to', async (t) => {
  const classic = parseRecipients([one.recipient], [two.recipient]);
  t.deepEqual(classic, { authority: [one.recipient], operators: [two.recipient] });
  await t.notThrowsAsync(tryRecipients(classic));
  await t.notThrowsAsync(tryRecipients(parseRecipients([hybrid], [])));
});

test('what is no recipient is refused by its place and its text', (t) => {
  for (const bad of [
    '',
    'age1',
    ` ${one.recipient}`,
    `${one.recipient}\n`,
    one.recipient.toUpperCase(),
    `${one.recipient.slice(0, -1)}${one.recipient.endsWith('q') ? 'p' : 'q'}`,
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW',
    'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t',
  ]) {
    const { message, hint } = refusal([one.recipient, bad], []);
    t.true(message.startsWith('evidence.authority[1]: '), message);
    t.true(message.includes(bad.slice(0, 40)), message);
    t.truthy(hint);
  }
  t.true(refusal([one.recipient], ['nobody']).message.startsWith('evidence.operators[0]: "nobody"'));
});

test('a private key is refused loudly, and the message does not repeat it', (t) => {
  for (const key of [two.identity, two.identity.toLowerCase(), ` ${two.identity}`, 'AGE-PLUGIN-YUBIKEY-1XYZ']) {
    const { message, hint } = refusal([one.recipient], [key]);
    t.true(message.startsWith('evidence.operators[0] is a PRIVATE KEY'), message);
    t.true(hint?.startsWith('REMOVE IT FROM THIS MACHINE'));
    t.false(`${message} ${hint}`.includes(key.trim()));
  }
});

test('no authority, one named twice, and post-quantum beside others are refused', (t) => {
  t.regex(refusal([], [one.recipient]).message, /no authority/);
  t.regex(
    refusal([one.recipient, one.recipient], []).message,
    /^evidence\.authority\[1\]: .* already named as evidence\.authority\[0\]/,
  );
  t.regex(
    refusal([one.recipient], [one.recipient]).message,
    /^evidence\.operators\[0\]: .* already named as evidence\.authority\[0\]/,
  );
  const mixed = refusal([one.recipient], [hybrid]);
  t.regex(mixed.message, /^evidence\.operators\[0\]: .* cannot be mixed/);
  t.true(mixed.message.length < 300);
});
