import { AtalayaError } from '../../kernel/errors.ts';

/**
 * The two structures of a TPM 2.0 that signing needs, as its library marshals them (TPM 2.0 Library, Part 2: Structures), turned
 * into what everybody else reads.
 */

/** Algorithm and curve numbers: Part 2 §6.3 and §6.4. */
const alg = { sha256: 0x000b, null: 0x0010, ecdsa: 0x0018, ecc: 0x0023 } as const;
const nistP256 = 0x0003;

/** Bits of TPMA_OBJECT: Part 2 §8.3.2. */
const wanted = { fixedTPM: 1 << 1, fixedParent: 1 << 4, sensitiveDataOrigin: 1 << 5, sign: 1 << 18 } as const;
const unwanted = { restricted: 1 << 16, decrypt: 1 << 17 } as const;

/** SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480 §2) up to the point's two coordinates. */
const spkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const coordinate = 32;

/**
 * SubjectPublicKeyInfo, DER, of a TPM2B_PUBLIC (Part 2 §12.2.5). Throws `key-invalid` where it is not a P-256 key that was made in
 * the TPM, cannot leave it, and signs whatever it is given with ECDSA and SHA-256; `where` is for the message.
 */
export function spkiOfTpmPublic(bytes: Uint8Array, where: string): Buffer {
  const unreadable = () => unfit(where, 'its public part cannot be read');
  const whole = new Reader(bytes, unreadable);
  const area = new Reader(whole.block(), unreadable);
  whole.end();
  if (area.uint16() !== alg.ecc) throw unfit(where, 'it is not an elliptic-curve key');
  area.uint16();
  const attributes = area.uint32();
  for (const [name, bit] of Object.entries(wanted)) {
    if ((attributes & bit) === 0) throw unfit(where, `it lacks the attribute ${name}`);
  }
  for (const [name, bit] of Object.entries(unwanted)) {
    if ((attributes & bit) !== 0) throw unfit(where, `it has the attribute ${name}`);
  }
  area.block();
  // Only restricted decryption keys have a symmetric algorithm (Part 2 §12.2.3.6), and this is none.
  if (area.uint16() !== alg.null) throw unreadable();
  const scheme = area.uint16();
  const fits = scheme === alg.null || (scheme === alg.ecdsa && area.uint16() === alg.sha256);
  if (!fits) throw unfit(where, 'its signing scheme is not ECDSA with SHA-256');
  if (area.uint16() !== nistP256) throw unfit(where, 'its curve is not P-256');
  if (area.uint16() !== alg.null) throw unreadable();
  const x = area.integer();
  const y = area.integer();
  area.end();
  return Buffer.concat([spkiHead, x, y]);
}

/**
 * ASN.1 DER (RFC 3279 §2.2.3) of a TPMT_SIGNATURE (Part 2 §11.3.4) that is ECDSA with SHA-256. Throws `key-unavailable` for
 * anything else: a TPM that answers so is not working.
 */
export function derOfTpmSignature(bytes: Uint8Array): Buffer {
  const strange = () => new AtalayaError('key-unavailable', 'the TPM gave a signature that cannot be read');
  const reader = new Reader(bytes, strange);
  if (reader.uint16() !== alg.ecdsa || reader.uint16() !== alg.sha256) throw strange();
  const body = Buffer.concat([derInteger(reader.integer()), derInteger(reader.integer())]);
  reader.end();
  return Buffer.concat([Buffer.from([0x30, body.byteLength]), body]);
}

/** At most 35 bytes, so that two of them need one byte of length. */
function derInteger(value: Buffer): Buffer {
  let first = 0;
  while (first < value.byteLength - 1 && value[first] === 0) first += 1;
  const digits = value.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([0x02, sign.length + digits.byteLength, ...sign]), digits]);
}

function unfit(where: string, why: string): AtalayaError {
  return new AtalayaError('key-invalid', `the key at ${where} is not a signing key of a unit: ${why}`, {
    hint: 'Name the handle of a P-256 key that was made for it, or an empty one and make the key.',
  });
}

/** Big-endian numbers and sized blocks, one after the other; what is not there is `fault`. */
class Reader {
  readonly #bytes: Buffer;
  readonly #fault: () => AtalayaError;
  #at = 0;

  constructor(bytes: Uint8Array, fault: () => AtalayaError) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fault = fault;
  }

  uint16(): number {
    return this.#take(2).readUInt16BE();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  /** A 16-bit size and so many bytes. */
  block(): Buffer {
    return this.#take(this.uint16());
  }

  /** A block of at most 32 bytes, filled up with zeros before it: a TPM may leave leading zeros out. */
  integer(): Buffer {
    const digits = this.block();
    if (digits.byteLength > coordinate) throw this.#fault();
    return Buffer.concat([Buffer.alloc(coordinate - digits.byteLength), digits]);
  }

  end(): void {
    if (this.#at !== this.#bytes.byteLength) throw this.#fault();
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.byteLength !== count) throw this.#fault();
    this.#at += count;
    return taken;
  }
}
