// The account's keys: watches their health and carries out what the flows decide. The only place that drives the SDK's crypto.
import { ClientEvent, MatrixError, type AuthDict, type MatrixClient } from "matrix-js-sdk";
import { CryptoEvent, type CryptoApi, type GeneratedSecretStorageKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { coalesce, listen } from "../vm/listen.ts";
import { ViewModel } from "../vm/view-model.ts";
import { encryptionHealth, type Health } from "./health.ts";
import { parseRecoveryKey, recoveryKeyDate, recoveryKeyName } from "./recovery-key.ts";
import type { SecretKeys } from "./secret-keys.ts";

/** Asked when the server wants the password before it accepts new keys; answers null if the person gives up. */
export type AskPassword = () => Promise<string | null>;

export class PasswordRefused extends Error {}
export class WrongRecoveryKey extends Error {}

export interface EncryptionSnapshot {
    /** Null until the first look. */
    readonly health: Health | null;
    readonly recoveryKeyDate: Date | null;
    readonly recoveryKeyExists: boolean;
}

const HEALTH_EVENTS = [
    CryptoEvent.KeyBackupStatus,
    CryptoEvent.KeyBackupDecryptionKeyCached,
    CryptoEvent.KeysChanged,
    CryptoEvent.UserTrustStatusChanged,
    CryptoEvent.DevicesUpdated,
    ClientEvent.AccountData,
] as const;

export class Encryption extends ViewModel<EncryptionSnapshot> {
    readonly #client: MatrixClient;
    readonly #crypto: CryptoApi;
    readonly #secrets: SecretKeys;
    /** While a flow changes keys step by step, the states in between would only confuse. */
    #busy = 0;
    #live = false;

    constructor(client: MatrixClient, crypto: CryptoApi, secrets: SecretKeys) {
        super({ health: null, recoveryKeyDate: null, recoveryKeyExists: false });
        this.#client = client;
        this.#crypto = crypto;
        this.#secrets = secrets;
        const look = coalesce(() => void this.refresh().catch(() => undefined), 250);
        this.onDispose(listen(client as never, HEALTH_EVENTS, look.trigger));
        this.onDispose(look.cancel);
    }

    /** From now on what is known comes from the server, not from a cache of last week. */
    goLive(): Promise<void> {
        this.#live = true;
        return this.refresh();
    }

    async refresh(): Promise<void> {
        if (!this.#live || this.#busy > 0 || this.disposed) return;
        const userId = this.#client.getSafeUserId();
        const deviceId = this.#client.getDeviceId() ?? "";
        const [identityExists, device, identity, storage, backup, activeBackup, key] = await Promise.all([
            this.#crypto.userHasCrossSigningKeys(userId, true),
            this.#crypto.getDeviceVerificationStatus(userId, deviceId),
            this.#crypto.getCrossSigningStatus(),
            this.#crypto.getSecretStorageStatus(),
            this.#crypto.getKeyBackupInfo(),
            this.#crypto.getActiveSessionBackupVersion(),
            this.#client.secretStorage.getKey(),
        ]);
        const backupKey = await this.#crypto.getSessionBackupPrivateKey();
        if (this.#busy > 0) return;
        const here = identity.privateKeysCachedLocally;
        this.update({
            health: encryptionHealth({
                identityExists,
                deviceConfirmed: device?.crossSigningVerified ?? false,
                identityKeysHere: here.masterKey && here.selfSigningKey && here.userSigningKey,
                recoveryKeyExists: storage.defaultKeyId !== null && key !== null,
                recoveryComplete: storage.ready,
                backupExists: backup !== null,
                backupActive: backup !== null && activeBackup === backup.version && backupKey !== null,
            }),
            recoveryKeyExists: key !== null,
            recoveryKeyDate: recoveryKeyDate(key?.[1].name),
        });
    }

    async #exclusively<T>(act: () => Promise<T>): Promise<T> {
        this.#busy += 1;
        try {
            return await act();
        } finally {
            this.#busy -= 1;
            this.#secrets.forgetAll();
            await this.refresh();
        }
    }

    /** Makes a new recovery key on this device. Nothing is stored anywhere until `storeRecoveryKey`. */
    async generateRecoveryKey(): Promise<GeneratedSecretStorageKey> {
        const key = await this.#crypto.createRecoveryKeyFromPassphrase();
        return { ...key, keyInfo: { name: recoveryKeyName(new Date()) } };
    }

    /**
     * Puts a generated key into force. With `startAnew` everything that the old keys protected is given up: used when no other
     * device and no recovery key is left.
     */
    storeRecoveryKey(key: GeneratedSecretStorageKey, options: { startAnew: boolean; askPassword: AskPassword }): Promise<void> {
        return this.#exclusively(async () => {
            const authorise = this.#authorise(options.askPassword);
            const identityExists = await this.#crypto.userHasCrossSigningKeys(this.#client.getSafeUserId(), true);
            const keysHere = await this.#hasIdentityKeys();
            // An identity whose keys are lost can't be signed with any more: only a new one helps.
            if (options.startAnew || (identityExists && !keysHere)) await this.#crypto.resetEncryption(authorise);
            else if (!keysHere) await this.#crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: authorise });
            const backupUsable = (await this.#crypto.getSessionBackupPrivateKey()) !== null && (await this.#crypto.getKeyBackupInfo()) !== null;
            await this.#crypto.bootstrapSecretStorage({
                createSecretStorageKey: () => Promise.resolve(key),
                setupNewSecretStorage: true,
                setupNewKeyBackup: !backupUsable,
            });
            await this.#crypto.checkKeyBackupAndEnable();
        });
    }

    /** Confirms this device with the recovery key and fetches what the key opens. */
    unlockWithRecoveryKey(typed: string): Promise<void> {
        return this.#exclusively(async () => {
            const bytes = parseRecoveryKey(typed);
            const stored = await this.#client.secretStorage.getKey();
            // Checked before anything is touched: a wrong key must be a sentence, not a half-done change.
            if (!bytes || !stored || !(await this.#client.secretStorage.checkKey(bytes, stored[1]))) throw new WrongRecoveryKey();
            this.#secrets.remember(stored[0], bytes);
            await this.#crypto.bootstrapCrossSigning({});
            await this.#openBackup();
        });
    }

    /** After another device confirmed this one, it also sends the keys; waits for them a while and opens the backup. */
    async finishConfirmation(timeoutMs = 15_000): Promise<void> {
        const deadline = Date.now() + timeoutMs;
        while (Date.now() < deadline && (await this.#crypto.getSessionBackupPrivateKey()) === null) {
            await new Promise((resolve) => setTimeout(resolve, 250));
        }
        // Without the backup key the health below says so, and the banner asks for the recovery key once.
        if ((await this.#crypto.getSessionBackupPrivateKey()) !== null) {
            await this.#crypto.checkKeyBackupAndEnable();
            await this.#crypto.restoreKeyBackup();
        }
        await this.refresh();
    }

    async #hasIdentityKeys(): Promise<boolean> {
        const { privateKeysCachedLocally: here } = await this.#crypto.getCrossSigningStatus();
        return here.masterKey && here.selfSigningKey && here.userSigningKey;
    }

    async #openBackup(): Promise<void> {
        if ((await this.#crypto.getKeyBackupInfo()) === null) return;
        await this.#crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        await this.#crypto.checkKeyBackupAndEnable();
        await this.#crypto.restoreKeyBackup();
    }

    #authorise(askPassword: AskPassword): (makeRequest: (auth: AuthDict | null) => Promise<void>) => Promise<void> {
        return (makeRequest) => withPassword(this.#client, askPassword, makeRequest);
    }
}

/** Makes a request that the server may want to see the password for, and asks for it only then. */
export async function withPassword<T>(
    client: MatrixClient,
    askPassword: AskPassword,
    makeRequest: (auth: AuthDict | null) => Promise<T>,
): Promise<T> {
    try {
        return await makeRequest(null);
    } catch (error) {
        const data = error instanceof MatrixError && error.httpStatus === 401 ? (error.data as { session?: string }) : null;
        if (!data?.session) throw error;
        const password = await askPassword();
        if (password === null) throw new PasswordRefused();
        try {
            return await makeRequest({
                type: "m.login.password",
                identifier: { type: "m.id.user", user: client.getSafeUserId() },
                password,
                session: data.session,
            });
        } catch (refused) {
            if (refused instanceof MatrixError && (refused.httpStatus === 401 || refused.errcode === "M_FORBIDDEN")) throw new PasswordRefused();
            throw refused;
        }
    }
}
