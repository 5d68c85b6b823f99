/** Bytes of the longest block, of evidence upwards and of updates downwards. */
export const blockBytes = 64 * 1024;
