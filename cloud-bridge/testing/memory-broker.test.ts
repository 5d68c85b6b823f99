import test from 'ava';
import { linkContract } from './link-contract.ts';
import { MemoryBroker } from './memory-broker.ts';

const broker = new MemoryBroker();
linkContract(test, 'in memory', () => ({
  open: (setup, handlers) => broker.link(handlers, setup),
  cut: (clientId) => broker.cut(clientId),
  stopBroker: async () => broker.stop(),
  startBroker: async () => broker.start(),
  shared: true,
  close: async () => undefined,
}));
