// Entering the recovery key: to confirm this device, or to fetch what it still lacks.
import type { MessageId } from "../app/i18n.tsx";
import { WrongRecoveryKey, type Encryption } from "../crypto/encryption.ts";
import { parseRecoveryKey } from "../crypto/recovery-key.ts";
import { errorText } from "../matrix/errors.ts";
import { ViewModel } from "./view-model.ts";

export interface UnlockSnapshot {
    readonly state: "waiting" | "working" | "done";
    readonly error: MessageId | null;
}

export class UnlockVm extends ViewModel<UnlockSnapshot> {
    readonly #encryption: Encryption;

    constructor(encryption: Encryption) {
        super({ state: "waiting", error: null });
        this.#encryption = encryption;
    }

    readonly submit = async (typed: string): Promise<void> => {
        if (!parseRecoveryKey(typed)) {
            this.update({ error: typed.trim() === "" ? "unlock_missing" : "unlock_malformed" });
            return;
        }
        this.update({ state: "working", error: null });
        try {
            await this.#encryption.unlockWithRecoveryKey(typed);
            this.update({ state: "done" });
        } catch (error) {
            this.update({ state: "waiting", error: error instanceof WrongRecoveryKey ? "unlock_not_current" : errorText(error) });
        }
    };
}
