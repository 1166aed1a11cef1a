import { encodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { describe, expect, it } from "vitest";
import { parseRecoveryKey, recoveryKeyDate, recoveryKeyName, sameRecoveryKey } from "./recovery-key.ts";

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => (index * 37 + 11) % 256);
const KEY = encodeRecoveryKey(BYTES) ?? "";

describe("recovery key as typed", () => {
    it.each([
        ["as shown", KEY],
        ["without blanks", KEY.replaceAll(" ", "")],
        ["over several lines", KEY.replaceAll(" ", "\r\n")],
        ["with no-break spaces and hyphens", KEY.replaceAll(" ", "\u00a0-\u2011")],
        ["in quotes", `„${KEY}“`],
        ["in full-width digits", KEY.replace(/\d/, (digit) => String.fromCodePoint(0xff10 + Number(digit)))],
        ["with a capital O for the small one", KEY.replaceAll("o", "O")],
        ["with a small l for the one", KEY.replaceAll("1", "l")],
    ])("is read %s", (_name, typed) => {
        expect(parseRecoveryKey(typed)).toEqual(BYTES);
        expect(sameRecoveryKey(typed, KEY)).toBe(true);
    });

    it("refuses a slip of the pen", () => {
        const last = KEY.endsWith("a") ? "b" : "a";
        expect(parseRecoveryKey(KEY.slice(0, -1) + last)).toBeNull();
        expect(parseRecoveryKey("")).toBeNull();
        expect(parseRecoveryKey("Sommer2026!")).toBeNull();
    });
});

describe("date of a recovery key", () => {
    it("comes back from the name", () => {
        const made = new Date("2026-11-22T10:00:00.000Z");
        expect(recoveryKeyDate(recoveryKeyName(made))).toEqual(made);
    });
    it("is unknown for keys of other clients", () => {
        expect(recoveryKeyDate(undefined)).toBeNull();
        expect(recoveryKeyDate("My key")).toBeNull();
        expect(recoveryKeyDate("Rohrpost yesterday")).toBeNull();
    });
});
