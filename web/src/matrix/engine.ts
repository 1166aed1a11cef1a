// Starts and stops the Matrix client of the person who is signed in. Everything the view models need hangs on one `Engine`.
import { createClient, IndexedDBStore, PendingEventOrdering, RoomNameType, type MatrixClient, type RoomNameState } from "matrix-js-sdk";
import { OnlySignedDevicesIsolationMode, type CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Logger } from "matrix-js-sdk/lib/logger.js";
import { plainText } from "../app/i18n.tsx";
import { Encryption } from "../crypto/encryption.ts";
import { SecretKeys } from "../crypto/secret-keys.ts";
import { fetchAccount, serverUrl } from "./server.ts";
import { forgetCredentials, saveCredentials, type Credentials } from "./vault.ts";

const SYNC_DATABASE = "rohrpost";
const CRYPTO_DATABASE = "rohrpost-crypto";
/** Events fetched per room at first; more come as somebody scrolls. Small, because each room costs start-up time. */
const FIRST_EVENTS = 5;

export interface Engine {
    readonly client: MatrixClient;
    readonly crypto: CryptoApi;
    readonly encryption: Encryption;
    readonly administrator: boolean;
    readonly stop: () => void;
}

// The SDK tells its console a lot about rooms and devices. What lands there may end in a screenshot for the help desk: keep it quiet.
const silent = () => undefined;
const quietLogger: Logger = { trace: silent, debug: silent, info: silent, warn: silent, error: silent, getChild: () => quietLogger };

export async function startEngine(credentials: Credentials): Promise<Engine> {
    const secrets = new SecretKeys();
    const store = new IndexedDBStore({ indexedDB: globalThis.indexedDB, dbName: SYNC_DATABASE });
    const client = createClient({
        baseUrl: serverUrl(),
        userId: credentials.userId,
        deviceId: credentials.deviceId,
        accessToken: credentials.accessToken,
        ...(credentials.refreshToken ? { refreshToken: credentials.refreshToken } : {}),
        onTokenRefresh: ({ accessToken, refreshToken }) =>
            void saveCredentials({ ...credentials, accessToken, ...(refreshToken ? { refreshToken } : {}) }),
        store,
        cryptoCallbacks: secrets.callbacks,
        verificationMethods: ["m.sas.v1"],
        timelineSupport: true,
        disableVoip: true,
        roomNameGenerator: roomName,
        logger: quietLogger,
    });
    await store.startup();
    await client.initRustCrypto({ useIndexedDB: true, cryptoDatabasePrefix: CRYPTO_DATABASE, storageKey: credentials.storageKey });
    const crypto = client.getCrypto();
    if (!crypto) throw new Error("the crypto engine did not start");
    // Only devices that their owner confirmed get keys, and only their messages are shown.
    crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
    const encryption = new Encryption(client, crypto, secrets);
    const administrator = await fetchAccount(credentials.accessToken).then(
        (account) => account.administrator,
        () => false,
    );
    await client.startClient({
        initialSyncLimit: FIRST_EVENTS,
        lazyLoadMembers: true,
        pendingEventOrdering: PendingEventOrdering.Chronological,
        threadSupport: false,
    });
    const stop = () => {
        encryption.dispose();
        client.stopClient();
        void store.destroy();
    };
    return { client, crypto, encryption, administrator, stop };
}

/** Ends this device's account here: tells the server, then removes every trace from the browser. */
export async function signOut(engine: Engine): Promise<void> {
    engine.encryption.dispose();
    // Offline, or already signed out elsewhere: the local traces go all the same.
    await engine.client.logout(true).catch(silent);
    await engine.client.clearStores({ cryptoDatabasePrefix: CRYPTO_DATABASE }).catch(silent);
    await forgetCredentials();
}

/** Removes what an earlier account left behind, before a new one starts. */
export async function clearLocalData(): Promise<void> {
    await forgetCredentials();
    for (const { name } of await indexedDB.databases()) {
        if (name !== undefined && (name.startsWith(`matrix-js-sdk:${SYNC_DATABASE}`) || name.startsWith(CRYPTO_DATABASE))) {
            await new Promise<void>((resolve) => {
                const request = indexedDB.deleteDatabase(name);
                for (const outcome of ["success", "error", "blocked"]) request.addEventListener(outcome, () => resolve());
            });
        }
    }
}

function roomName(_roomId: string, state: RoomNameState): string | null {
    switch (state.type) {
        case RoomNameType.Actual:
            return state.name;
        case RoomNameType.Generated:
            return state.names.length === 0 ? plainText("room_empty") : state.names.join(", ");
        case RoomNameType.EmptyRoom:
            return state.oldName ?? plainText("room_empty");
    }
}
