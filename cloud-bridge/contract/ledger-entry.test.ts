import test from 'ava';
import { keptFrame } from '../../device/capture/kept-frame.ts';
import { EvidenceStore } from '../../device/evidence/evidence-store.ts';
import { signedRecordOf } from '../../device/evidence/record/envelope.ts';
import { contextAt, frameOf, framesAround, infractionAt } from '../../device/evidence/testing/fixtures.ts';
import { plateModels, plateRead } from '../../device/evidence/testing/plates.ts';
import { clerk, inMemory } from '../../device/evidence/testing/stores.ts';
import { canonicalJson } from '../../device/kernel/canonical-json.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { encodeMessage, parseMessage } from './message.ts';

test('what a unit has sealed travels whole: at the centre the record has the very bytes that were signed', async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  const clip = { frames: [168, 170].map((one) => keptFrame(frameOf(one))), thinned: false };
  const plate = { plate: plateRead('AB123CD', 168), plateModels };
  const { id } = await store.seal(infractionAt(170), framesAround(170), { ...contextAt(170), clip, ...plate });
  await store.custody.hold(id, 'court', clerk);
  await store.custody.erase(id, { actor: { kind: 'policy', name: 'five days' }, reason: 'old' }).catch(() => undefined);
  let sent = 0;
  for await (const { position, payload } of store.ledger.payloads()) {
    const { sequence } = position;
    const time = '2026-03-01T12:00:00.000Z';
    const data = JSON.parse(payload.toString()) as never;
    const events = [{ sequence, previous: sequence - 1, time, data }];
    const encoded = encodeMessage('audit', { lane: 'infraction', stream: '0123456789abcdef', events });
    t.false(encoded.payload.includes('AB123CD'));
    const message = parseMessage('atalaya/v1/unit-1/event/audit', Buffer.from(encoded.payload), 'up');
    if (message.kind === 'refused' || message.name !== 'audit' || !('events' in message.content)) return t.fail();
    const [event] = message.content.events as readonly {
      readonly data: { readonly record: never; readonly signature: string };
    }[];
    const signed = signedRecordOf(payload);
    t.is(canonicalJson(event?.data.record ?? null), signed?.bytes.toString() ?? '');
    t.deepEqual(Buffer.from(event?.data.signature ?? '', 'base64'), signed?.signature);
    sent += 1;
  }
  await store.close();
  return t.true(sent >= 2);
});
