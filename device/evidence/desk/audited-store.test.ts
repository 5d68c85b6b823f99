import test from 'ava';
import { DeskClient } from './desk-client.ts';
import { deskPath, serveDesk } from './serve-desk.ts';
import { auditedStoreContract } from './testing/audited-store-contract.ts';

auditedStoreContract(test, 'the store itself', async ({ opened }) => ({
  store: opened,
  dismantle: async () => undefined,
}));

auditedStoreContract(test, 'through the desk', async ({ opened, folder }) => {
  const path = deskPath(folder);
  const desk = await serveDesk(opened, path);
  return { store: await DeskClient.connect(path), dismantle: () => desk.close() };
});
