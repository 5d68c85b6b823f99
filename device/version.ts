import packageJson from '../package.json' with { type: 'json' };

/** Version of Atalaya, as its package states it. */
export const version: string = packageJson.version;
