import { describe, expect, it } from "vitest";
import { encryptionHealth, type Health, type HealthFacts } from "./health.ts";

const HEALTHY: HealthFacts = {
    identityExists: true,
    deviceConfirmed: true,
    identityKeysHere: true,
    recoveryKeyExists: true,
    recoveryComplete: true,
    backupExists: true,
    backupActive: true,
};

describe("encryption health", () => {
    const cases: [string, Partial<HealthFacts>, Health][] = [
        ["all is well", {}, "ok"],
        ["a new account", { identityExists: false, deviceConfirmed: false, recoveryKeyExists: false, backupExists: false }, "needsSetup"],
        ["a new device of an old account", { deviceConfirmed: false, identityKeysHere: false, backupActive: false }, "needsConfirm"],
        ["confirmed by another device, secrets not arrived", { identityKeysHere: false }, "needsKey"],
        ["confirmed, backup key not arrived", { backupActive: false }, "backupKeyMissing"],
        ["no recovery key yet", { recoveryKeyExists: false, recoveryComplete: false }, "needsSetup"],
        ["no recovery key and no way to make one from here", { recoveryKeyExists: false, identityKeysHere: false }, "reset"],
        ["recovery key opens only part of it", { recoveryComplete: false }, "reset"],
        ["backup deleted elsewhere", { backupExists: false, backupActive: false }, "reset"],
    ];
    it.each(cases)("%s", (_name, facts, health) => {
        expect(encryptionHealth({ ...HEALTHY, ...facts })).toBe(health);
    });

    it("is ok only if every fact is right", () => {
        for (const fact of Object.keys(HEALTHY)) expect(encryptionHealth({ ...HEALTHY, [fact]: false })).not.toBe("ok");
    });
});
