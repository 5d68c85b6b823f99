import test from 'ava';
import { CommanderError, InvalidArgumentError } from 'commander';
import { AtalayaError } from '../kernel/errors.ts';
import { exitAfter } from './exit-codes.ts';

test('what a person gave wrongly ends with 2, what failed with 1, help that was asked for with 0', (t) => {
  t.is(exitAfter(new CommanderError(0, 'commander.helpDisplayed', 'help')), 0);
  t.is(exitAfter(new InvalidArgumentError('is no number')), 2);
  t.is(exitAfter(new AtalayaError('config-invalid', 'no')), 2);
  t.is(exitAfter(new AtalayaError('store-locked', 'in use')), 2);
  t.is(exitAfter(new AtalayaError('store-full', 'full')), 1);
  t.is(exitAfter(new Error('a fault of ours')), 1);
});

test('what came first decides, not what closing down threw on top of it', (t) => {
  t.is(exitAfter(new SuppressedError(new Error('closing'), new AtalayaError('usage-invalid', 'no'), 'closing')), 2);
});
