import { z } from 'zod';

/** Name of an input or output line, as the configuration gives it. */
export const lineName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes, at most 32');
