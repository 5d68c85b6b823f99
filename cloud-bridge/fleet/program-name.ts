/** The call of the program as a person types it, from the root of this repository: what every hint begins with. */
export const fleetProgram = 'npx atalaya-fleet';
