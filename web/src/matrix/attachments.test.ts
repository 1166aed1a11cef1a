import { describe, expect, it } from "vitest";
import { DamagedFile, decryptBytes, encryptBytes } from "./attachments.ts";

const PLAIN = new TextEncoder().encode("Haushaltsentwurf 2027, vertraulich").buffer;

describe("encrypted files", () => {
    it("come back as they went", async () => {
        const { box, secret } = await encryptBytes(PLAIN);
        expect(new Uint8Array(await decryptBytes(box, secret))).toEqual(new Uint8Array(PLAIN));
    });

    it("hold nothing readable", async () => {
        const { box } = await encryptBytes(PLAIN);
        expect(new TextDecoder().decode(box)).not.toContain("Haushalt");
    });

    it("use a new key and counter each time", async () => {
        const [one, other] = [await encryptBytes(PLAIN), await encryptBytes(PLAIN)];
        expect(one.secret.key.k).not.toBe(other.secret.key.k);
        expect(one.secret.iv).not.toBe(other.secret.iv);
    });

    it("are refused if a single bit was changed on the way", async () => {
        const { box, secret } = await encryptBytes(PLAIN);
        const changed = new Uint8Array(box.slice(0));
        changed[3] = (changed[3] ?? 0) ^ 1;
        await expect(decryptBytes(changed.buffer, secret)).rejects.toBeInstanceOf(DamagedFile);
    });

    it("follow the format of the specification", async () => {
        const { secret } = await encryptBytes(PLAIN);
        expect(secret.v).toBe("v2");
        expect(secret.key).toMatchObject({ alg: "A256CTR", ext: true, kty: "oct", k: expect.stringMatching(/^[\w-]{43}$/) });
        // 16 bytes, of which the last eight are zero.
        expect(secret.iv).toMatch(/^[A-Za-z0-9+/]{22}$/);
        expect(atob(secret.iv).slice(8)).toBe("\0".repeat(8));
    });
});
