import { z } from 'zod';

/** Names and numbers that every part of an update uses. */

/** A target of the repositories: one level, so that it can never lead out of a folder. */
export const targetName = z
  .string()
  .max(128)
  .regex(
    /^[a-z0-9]+([._+-][a-z0-9]+)*$/,
    'is no name of a target: lower-case letters and digits, with single dots and dashes between',
  );

/** Name of a component: `unit` of the program, the bundle's folder of a model. Also a folder on the unit. */
export const componentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not 1 to 63 lower-case letters, digits and dashes');

/** What a target runs on, as the image names its machine: `x64`, `arm64`, or one board as `arm64-rpi4`. */
export const hardwareId = z
  .string()
  .regex(/^(x64|arm64)(-[a-z0-9]{1,30})?$/, 'is no hardware such as arm64 or arm64-rpi4');

/** Counts the releases of a component, up only; what a version is called does not decide. */
export const release = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

export const versionName = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$/, 'is no version');

export const jobId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{3,62}$/, 'is not 4 to 63 lower-case letters, digits and dashes');

/** 32 hexadecimal digits, drawn at random by whoever asks. */
export const nonce = z.string().regex(/^[0-9a-f]{32}$/, 'is not 32 hexadecimal digits');
