// From opening the page to being able to write: which screen is due, and the one engine that runs behind it.
import { ClientEvent, HttpApiEvent, SyncState, type SyncStateData } from "matrix-js-sdk";
import { replaceRoute } from "../app/route.ts";
import { clearLocalData, signOut, startEngine, type Engine } from "../matrix/engine.ts";
import { fetchAbout, type About } from "../matrix/server.ts";
import { takeTabLock, type TabLock } from "../matrix/tab-lock.ts";
import { loadCredentials, saveCredentials, type Credentials } from "../matrix/vault.ts";
import { ViewModel } from "./view-model.ts";

export type Phase =
    | "loading"
    /** The server could not be asked what it is. */
    | "unreachable"
    /** Another tab works with the account. */
    | "otherTab"
    | "signedOut"
    | "starting"
    /** Before the first message: a recovery key, or the confirmation of this device. */
    | "setup"
    | "confirm"
    | "ready";

export interface AppSnapshot {
    readonly phase: Phase;
    readonly about: About | null;
    readonly engine: Engine | null;
    /** Signed out by somebody else: from another device, or by an administrator. */
    readonly endedElsewhere: boolean;
}

export class AppVm extends ViewModel<AppSnapshot> {
    #lock: TabLock | null = null;
    /** The password just typed, kept until the keys are set up, so that nobody types it twice in a row. */
    #recentPassword: string | null = null;
    /** Somebody finished a gate's steps before the server had confirmed the outcome. */
    #waitingAtGate = false;

    constructor() {
        super({ phase: "loading", about: null, engine: null, endedElsewhere: false });
    }

    readonly start = async (takeOver = false): Promise<void> => {
        this.update({ phase: "loading" });
        this.#lock = await takeTabLock({ takeOver, onLost: this.#handOver });
        if (!this.#lock) {
            this.update({ phase: "otherTab" });
            return;
        }
        // An unreadable vault (profile copied to another machine) counts as signed out.
        const credentials = await loadCredentials().catch(() => null);
        if (credentials) await this.#run(credentials);
        else await this.#greet();
    };

    /** What the sign-in page offers depends on the server. */
    async #greet(): Promise<void> {
        try {
            this.update({ about: await fetchAbout(), phase: "signedOut" });
        } catch {
            this.update({ phase: "unreachable" });
        }
    }

    readonly signedIn = async (credentials: Credentials, password: string): Promise<void> => {
        await clearLocalData();
        await saveCredentials(credentials);
        this.#recentPassword = password;
        // Without this the browser may delete the keys when the disk gets full.
        void navigator.storage?.persist?.();
        replaceRoute({ page: "home" });
        await this.#run(credentials);
    };

    async #run(credentials: Credentials): Promise<void> {
        this.update({ phase: "starting", endedElsewhere: false });
        const engine = await startEngine(credentials);
        engine.client.on(HttpApiEvent.SessionLoggedOut, () => void this.#ended());
        const fromCache = await firstSync(engine, false);
        // A device that was confirmed before may show at once what it kept; everything else waits for the server's word.
        if (fromCache && (await isConfirmed(engine))) this.update({ engine, phase: "ready" });
        await firstSync(engine, true);
        // What is kept about the account's keys can be older than the keys: look only now.
        await engine.encryption.goLive().catch(() => undefined);
        engine.encryption.subscribe(() => this.#waitingAtGate && this.passGate());
        if (this.getSnapshot().engine === engine) return;
        this.update({ engine });
        this.passGate();
    }

    /** Goes to the first thing that is due. Called again when a gate was passed. */
    readonly passGate = (): void => {
        const health = this.getSnapshot().engine?.encryption.getSnapshot().health;
        const phase = health === "needsSetup" ? "setup" : health === "needsConfirm" ? "confirm" : "ready";
        this.#waitingAtGate = phase !== "ready" && phase === this.getSnapshot().phase;
        if (phase === "ready") this.#recentPassword = null;
        this.update({ phase });
    };

    get recentPassword(): string | null {
        return this.#recentPassword;
    }

    readonly signOut = async (): Promise<void> => {
        const { engine } = this.getSnapshot();
        if (!engine) return;
        this.update({ phase: "loading", engine: null });
        await signOut(engine);
        replaceRoute({ page: "home" });
        await this.#greet();
    };

    async #ended(): Promise<void> {
        const { engine } = this.getSnapshot();
        engine?.stop();
        this.update({ phase: "loading", engine: null, endedElsewhere: true });
        await clearLocalData();
        await this.#greet();
    }

    readonly #handOver = (): void => {
        this.getSnapshot().engine?.stop();
        this.update({ phase: "otherTab", engine: null });
    };
}

/** Waits until there is something to show; with `live` until the server itself has answered. Answers whether it came from the cache. */
function firstSync({ client }: Engine, live: boolean): Promise<boolean> {
    return new Promise((resolve) => {
        const look = (state: SyncState | null, _previous?: SyncState | null, data?: SyncStateData | null) => {
            const fromCache = state === SyncState.Prepared && data?.fromCache === true;
            const answered = state === SyncState.Syncing || state === SyncState.Catchup || (state === SyncState.Prepared && !fromCache);
            if (!answered && (live || !fromCache)) return;
            client.off(ClientEvent.Sync, look);
            resolve(fromCache);
        };
        client.on(ClientEvent.Sync, look);
        look(client.getSyncState(), null, client.getSyncStateData());
    });
}

async function isConfirmed({ client, crypto }: Engine): Promise<boolean> {
    const status = await crypto.getDeviceVerificationStatus(client.getSafeUserId(), client.getDeviceId() ?? "");
    return status?.crossSigningVerified ?? false;
}
