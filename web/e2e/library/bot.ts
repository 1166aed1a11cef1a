// A program with matrix-js-sdk and no browser: one device of one person, as a bot has it.
import { type AuthDict, ClientEvent, createClient, type ICreateClientOpts, type IStartClientOpts, type MatrixClient, type MatrixEvent, MatrixError, SyncState } from "matrix-js-sdk";
import { eventually } from "./lab.ts";

const PASSWORD = "correct horse battery staple";

/** What the recovery key opens, kept by whoever wrote it down. */
export type SecretStorageKey = Uint8Array<ArrayBuffer>;

export class Bot {
    readonly client: MatrixClient;
    /** Every event that a sync brought, in order. */
    readonly seen: MatrixEvent[] = [];
    /** The key of the secret storage: made here, or typed in. */
    storageKey: SecretStorageKey | null = null;

    private constructor(options: ICreateClientOpts) {
        this.client = createClient({
            ...options,
            timelineSupport: true,
            cryptoCallbacks: {
                // oxlint-disable-next-line require-await -- the library asks for a promise
                getSecretStorageKey: async ({ keys }) => {
                    const id = Object.keys(keys)[0];
                    return id && this.storageKey ? [id, this.storageKey] : null;
                },
                cacheSecretStorageKey: (_id, _info, key) => {
                    this.storageKey = key;
                },
            },
        });
        this.client.on(ClientEvent.Event, (event) => void this.seen.push(event));
    }

    /** Makes an account with a first device. */
    static async register(baseUrl: string, name: string): Promise<Bot> {
        const guest = createClient({ baseUrl });
        const asked = { username: name, password: PASSWORD };
        const refused: unknown = await guest.registerRequest(asked).catch((error: unknown) => error);
        if (!(refused instanceof MatrixError)) throw new Error("an account was made without any authentication");
        const session = String(refused.data["session"]);
        const made = await guest.registerRequest({ ...asked, auth: { type: "m.login.dummy", session } });
        if (!made.access_token || !made.device_id) throw new Error("no device was made");
        return new Bot({ baseUrl, userId: made.user_id, deviceId: made.device_id, accessToken: made.access_token });
    }

    /** Another device of somebody. */
    static async logIn(baseUrl: string, name: string): Promise<Bot> {
        const made = await createClient({ baseUrl }).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: name },
            password: PASSWORD,
        });
        return new Bot({ baseUrl, userId: made.user_id, deviceId: made.device_id, accessToken: made.access_token });
    }

    get userId(): string {
        return this.client.getSafeUserId();
    }

    /** Syncs in the background from now on, with keys in memory if it is to encrypt. */
    async start({ encrypts = true, ...options }: IStartClientOpts & { encrypts?: boolean } = {}): Promise<this> {
        if (encrypts) await this.client.initRustCrypto({ useIndexedDB: false });
        await this.client.startClient({ threadSupport: true, ...options });
        await eventually("the first sync is done", () => {
            const state = this.client.getSyncState();
            return state === SyncState.Prepared || state === SyncState.Syncing;
        });
        return this;
    }

    /** Waits for an event of a room that was read, decrypted where that was needed. */
    async sees(roomId: string, what: string, isIt: (event: MatrixEvent) => boolean): Promise<MatrixEvent> {
        return eventually(`${this.userId} sees ${what}`, () =>
            this.seen.find((event) => event.getRoomId() === roomId && !event.isBeingDecrypted() && isIt(event)),
        );
    }

    async reads(roomId: string, text: string): Promise<MatrixEvent> {
        return this.sees(roomId, JSON.stringify(text), (event) => event.getContent()["body"] === text);
    }

    /** Waits for an invitation and accepts it. */
    async accept(roomId: string): Promise<void> {
        await eventually("the invitation is there", () => this.client.getRoom(roomId)?.getMyMembership() === "invite");
        await this.client.joinRoom(roomId);
        await eventually("the room is joined", () => this.client.getRoom(roomId)?.getMyMembership() === "join");
    }

    /** Sets up cross-signing, the secret storage and a backup, as people do once. */
    async setUpRecovery(): Promise<void> {
        const crypto = this.crypto();
        await crypto.bootstrapSecretStorage({
            createSecretStorageKey: () => crypto.createRecoveryKeyFromPassphrase(),
            setupNewSecretStorage: true,
            setupNewKeyBackup: true,
        });
        await crypto.bootstrapCrossSigning({
            setupNewCrossSigning: true,
            authUploadDeviceSigningKeys: this.authorize,
        });
    }

    /** Throws identity, secret storage and backup away and makes new ones. */
    async resetEncryption(): Promise<void> {
        await this.crypto().resetEncryption(this.authorize);
    }

    /** Asks, and asks again with the password where the server wants it. */
    readonly authorize = async <T>(makeRequest: (auth: AuthDict | null) => Promise<T>): Promise<T> => {
        try {
            return await makeRequest(null);
        } catch (error) {
            if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error;
            const session = String(error.data["session"]);
            return makeRequest({ type: "m.login.password", session, identifier: { type: "m.id.user", user: this.userId }, password: PASSWORD });
        }
    };

    crypto(): NonNullable<ReturnType<MatrixClient["getCrypto"]>> {
        const crypto = this.client.getCrypto();
        if (!crypto) throw new Error("this bot has no keys");
        return crypto;
    }

    /** Goes away without a word to the server. */
    stop(): void {
        this.client.stopClient();
    }
}
