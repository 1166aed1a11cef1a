// The recovery key as people handle it: typed from paper, pasted from a mail, with or without blanks and line breaks.
import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";

/** Base58 leaves out what is easily confused. A key never contains these, so whoever types them meant the other. */
const CONFUSED: Readonly<Record<string, string>> = { "0": "o", O: "o", I: "1", l: "1" };

/**
 * Removes what isn't part of the key: blanks, line breaks, hyphens, quotes, invisible characters. The alphabet tells capitals from
 * small letters, so the case is kept; letters that the alphabet doesn't have are replaced by those they look like.
 */
export function normaliseRecoveryKey(typed: string): string {
    return [...typed.normalize("NFKC").replaceAll(/[^0-9A-Za-z]/g, "")].map((char) => CONFUSED[char] ?? char).join("");
}

/** The key's bytes, or null if this can't be a recovery key (a checksum guards against most slips). */
export function parseRecoveryKey(typed: string): Uint8Array<ArrayBuffer> | null {
    try {
        return decodeRecoveryKey(normaliseRecoveryKey(typed));
    } catch {
        return null;
    }
}

export const sameRecoveryKey = (one: string, other: string): boolean => normaliseRecoveryKey(one) === normaliseRecoveryKey(other);

const NAME_PREFIX = "Rohrpost ";

/** The name a key is registered under; carries the day it was made, because people keep several and try them all. */
export const recoveryKeyName = (made: Date): string => NAME_PREFIX + made.toISOString();

export function recoveryKeyDate(name: string | undefined): Date | null {
    if (!name?.startsWith(NAME_PREFIX)) return null;
    const date = new Date(name.slice(NAME_PREFIX.length));
    return Number.isNaN(date.getTime()) ? null : date;
}
