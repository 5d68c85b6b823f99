import fc from 'fast-check';

/**
 * Property tests draw the same cases on every machine, so that what is green here is green elsewhere; `make fuzz` draws others.
 * Loaded by ava before each test file.
 */
const { PROPERTY_SEED = '20261122' } = process.env;
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(PROPERTY_SEED) });
