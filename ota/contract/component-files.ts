/**
 * Files of the bundles that are not the program, beside their `bundle.json`. A model's are those of its own folder, `manifest.json` among them; its
 * name is the `id` that this states, which is how a configuration calls it.
 */
export const sceneFiles = { scene: 'scene.yaml', references: 'references.json' } as const;
export const trustFiles = { trust: 'trust.json' } as const;
