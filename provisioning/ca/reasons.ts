/** Why a certificate is revoked (RFC 5280, 5.3.1), by the words that a person gives. */
export const reasonCodes = {
  unspecified: 0,
  'key-compromise': 1,
  superseded: 4,
  'cessation-of-operation': 5,
} as const;

export type RevocationReason = keyof typeof reasonCodes;
export const revocationReasons = Object.keys(reasonCodes) as readonly RevocationReason[];
