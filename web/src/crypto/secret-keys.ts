// Holds recovery keys in memory, only while a flow needs them, and hands them to the SDK when it opens secret storage.
import type { CryptoCallbacks } from "matrix-js-sdk/lib/crypto-api/index.js";

export class SecretKeys {
    readonly #keys = new Map<string, Uint8Array<ArrayBuffer>>();

    readonly callbacks: CryptoCallbacks = {
        getSecretStorageKey: ({ keys }) => {
            for (const keyId of Object.keys(keys)) {
                const key = this.#keys.get(keyId);
                if (key) return Promise.resolve([keyId, key]);
            }
            return Promise.resolve(null);
        },
        cacheSecretStorageKey: (keyId, _info, key) => this.remember(keyId, key),
    };

    remember(keyId: string, key: Uint8Array<ArrayBuffer>): void {
        // A copy: forgetting wipes it, and the caller may need its own for another try.
        this.#keys.set(keyId, new Uint8Array(key));
    }

    forgetAll(): void {
        for (const key of this.#keys.values()) key.fill(0);
        this.#keys.clear();
    }
}
