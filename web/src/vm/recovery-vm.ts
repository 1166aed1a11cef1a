// Making a recovery key: say what it is, show it, have it typed again, put it into force. Until the last step nothing has changed,
// so that whoever closes the page in between has lost nothing.
import type { GeneratedSecretStorageKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { MessageId } from "../app/i18n.tsx";
import { PasswordRefused, type AskPassword, type Encryption } from "../crypto/encryption.ts";
import { sameRecoveryKey } from "../crypto/recovery-key.ts";
import { errorText } from "../matrix/errors.ts";
import { ViewModel } from "./view-model.ts";

export type RecoveryStep = "inform" | "show" | "repeat" | "password" | "working" | "done";

export interface RecoverySnapshot {
    readonly step: RecoveryStep;
    readonly recoveryKey: string;
    readonly made: Date;
    readonly error: MessageId | null;
}

export interface RecoveryOptions {
    /** Gives up what older keys protected. */
    readonly startAnew: boolean;
    /** The password if it was typed a moment ago. */
    readonly recentPassword: string | null;
}

export class RecoveryVm extends ViewModel<RecoverySnapshot> {
    readonly #encryption: Encryption;
    readonly #options: RecoveryOptions;
    #generated: GeneratedSecretStorageKey | null = null;
    #typedPassword: string | null = null;

    constructor(encryption: Encryption, options: RecoveryOptions) {
        super({ step: "inform", recoveryKey: "", made: new Date(), error: null });
        this.#encryption = encryption;
        this.#options = options;
    }

    readonly show = async (): Promise<void> => {
        try {
            this.#generated ??= await this.#encryption.generateRecoveryKey();
            this.update({ step: "show", recoveryKey: this.#generated.encodedPrivateKey ?? "", made: new Date(), error: null });
        } catch (error) {
            this.update({ error: errorText(error) });
        }
    };

    readonly askAgain = (): void => this.update({ step: "repeat", error: null });

    readonly repeat = async (typed: string): Promise<void> => {
        if (!sameRecoveryKey(typed, this.getSnapshot().recoveryKey)) {
            this.update({ error: "recovery_repeat_differs" });
            return;
        }
        await this.#store();
    };

    readonly givePassword = async (password: string): Promise<void> => {
        this.#typedPassword = password;
        await this.#store();
    };

    async #store(): Promise<void> {
        if (!this.#generated) return;
        this.update({ step: "working", error: null });
        const askPassword: AskPassword = () => Promise.resolve(this.#typedPassword ?? this.#options.recentPassword);
        try {
            await this.#encryption.storeRecoveryKey(this.#generated, { startAnew: this.#options.startAnew, askPassword });
            // The key must not stay in memory longer than it is on paper.
            this.#generated = null;
            this.update({ step: "done", recoveryKey: "" });
        } catch (error) {
            if (error instanceof PasswordRefused) {
                this.update({ step: "password", error: this.#typedPassword === null ? null : "error_wrong_password" });
            } else this.update({ step: "repeat", error: errorText(error) });
        }
    }
}
