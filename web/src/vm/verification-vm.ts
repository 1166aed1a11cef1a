// Confirming a device with another device of the same person: both show seven pictures, the person says whether they are the same.
import { CryptoEvent, VerificationPhase, VerificationRequestEvent, VerifierEvent, type ShowSasCallbacks, type VerificationRequest, type Verifier } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Engine } from "../matrix/engine.ts";
import { listen } from "./listen.ts";
import { ViewModel } from "./view-model.ts";

export type VerificationStep =
    /** Nothing is going on. */
    | "idle"
    /** Another device asks (this is the confirmed one). */
    | "asked"
    /** We asked and wait for the other device to answer. */
    | "waiting"
    | "compare"
    /** This side said "same"; the other hasn't yet. */
    | "agreed"
    /** Confirmed; keys are on their way. */
    | "finishing"
    | "done"
    | "cancelled"
    /** The pictures differed: somebody may be in between. */
    | "mismatch";

export interface SasEmoji {
    readonly symbol: string;
    /** The English name from the specification; translated on screen. */
    readonly name: string;
}

export interface VerificationSnapshot {
    readonly step: VerificationStep;
    readonly emoji: readonly SasEmoji[];
    readonly otherDevice: string | null;
}

const IDLE: VerificationSnapshot = { step: "idle", emoji: [], otherDevice: null };

export class VerificationVm extends ViewModel<VerificationSnapshot> {
    readonly #engine: Engine;
    #request: VerificationRequest | null = null;
    #verifier: Verifier | null = null;
    #sas: ShowSasCallbacks | null = null;
    #unlisten: (() => void) | null = null;

    constructor(engine: Engine) {
        super(IDLE);
        this.#engine = engine;
        this.onDispose(listen(engine.client as never, [CryptoEvent.VerificationRequestReceived], this.#received as never));
        this.onDispose(() => this.#unlisten?.());
        const userId = engine.client.getSafeUserId();
        for (const request of engine.crypto.getVerificationRequestsToDeviceInProgress(userId)) this.#received(request);
    }

    /** Asks all other devices of this person. */
    readonly ask = async (): Promise<void> => {
        try {
            this.#follow(await this.#engine.crypto.requestOwnUserVerification(), "waiting");
        } catch {
            this.update({ step: "cancelled" });
        }
    };

    readonly #received = (request: VerificationRequest): void => {
        // Only our own devices, and one at a time.
        if (!request.isSelfVerification || request.initiatedByMe || !request.pending || this.#request?.pending) return;
        this.#follow(request, "asked");
        void this.#nameOther(request);
    };

    async #nameOther(request: VerificationRequest): Promise<void> {
        const userId = this.#engine.client.getSafeUserId();
        const devices = await this.#engine.crypto.getUserDeviceInfo([userId]).catch(() => null);
        const name = devices?.get(userId)?.get(request.otherDeviceId ?? "")?.displayName;
        this.update({ otherDevice: name ?? request.otherDeviceId ?? null });
    }

    #follow(request: VerificationRequest, step: VerificationStep): void {
        this.#unlisten?.();
        this.#request = request;
        this.#verifier = null;
        this.#sas = null;
        this.#unlisten = listen(request as never, [VerificationRequestEvent.Change], this.#look);
        this.update({ ...IDLE, step });
        this.#look();
    }

    readonly accept = async (): Promise<void> => {
        this.update({ step: "waiting" });
        await this.#request?.accept().catch(() => this.update({ step: "cancelled" }));
    };

    readonly #look = (): void => {
        const request = this.#request;
        const { step } = this.getSnapshot();
        if (!request) return;
        if (request.phase === VerificationPhase.Cancelled) {
            if (step !== "mismatch") this.update({ step: request.cancellationCode === "m.mismatched_sas" ? "mismatch" : "cancelled" });
        } else if (request.phase === VerificationPhase.Done) {
            if (step !== "finishing" && step !== "done") void this.#finish();
        } else if (request.phase === VerificationPhase.Ready && request.initiatedByMe) {
            // The side that asked also starts, so that the two don't start at once.
            void request.startVerification("m.sas.v1").then(this.#run, () => this.update({ step: "cancelled" }));
        } else if (request.phase === VerificationPhase.Started && request.verifier) this.#run(request.verifier);
    };

    readonly #run = (verifier: Verifier): void => {
        if (this.#verifier === verifier || this.#verifier) return;
        this.#verifier = verifier;
        const show = (sas: ShowSasCallbacks) => {
            this.#sas = sas;
            this.update({ step: "compare", emoji: (sas.sas.emoji ?? []).map(([symbol, name]) => ({ symbol, name })) });
        };
        verifier.on(VerifierEvent.ShowSas, show);
        const ready = verifier.getShowSasCallbacks();
        if (ready) show(ready);
        // A refusal arrives as a cancelled request.
        verifier.verify().catch(() => this.#look());
    };

    readonly same = async (): Promise<void> => {
        this.update({ step: "agreed" });
        await this.#sas?.confirm().catch(() => this.#look());
    };

    readonly different = (): void => {
        this.update({ step: "mismatch" });
        this.#sas?.mismatch();
    };

    async #finish(): Promise<void> {
        if (this.#request?.initiatedByMe) {
            this.update({ step: "finishing" });
            await this.#engine.encryption.finishConfirmation().catch(() => undefined);
        }
        this.update({ step: "done" });
    }

    readonly cancel = (): void => {
        const request = this.#request;
        this.#unlisten?.();
        this.#request = null;
        this.update(IDLE);
        if (request?.pending) void request.cancel().catch(() => undefined);
    };
}
