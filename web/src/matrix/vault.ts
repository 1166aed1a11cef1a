// Keeps who is signed in on this device: account, device id, tokens and the key of the crypto store.
//
// Nothing secret is written in clear. The record is sealed with AES-GCM under a key that the browser generates and never hands
// out (not extractable), and both lie in IndexedDB. That doesn't stop code that runs in the page; it stops somebody who copies
// the profile folder and searches it for tokens.

export interface Credentials {
    readonly userId: string;
    readonly deviceId: string;
    readonly accessToken: string;
    readonly refreshToken?: string;
    /** Opens the Rust crypto store; 32 random bytes made at sign-in. */
    readonly storageKey: Uint8Array<ArrayBuffer>;
}

interface Sealed {
    readonly key: CryptoKey;
    readonly iv: Uint8Array<ArrayBuffer>;
    readonly box: ArrayBuffer;
}

const DATABASE = "rohrpost-vault";
const TABLE = "sealed";
const RECORD = "credentials";

function openDatabase(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(DATABASE, 1);
        request.addEventListener("upgradeneeded", () => request.result.createObjectStore(TABLE));
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(request.error ?? new Error("vault cannot be opened")));
    });
}

async function withTable<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await openDatabase();
    try {
        return await new Promise<T>((resolve, reject) => {
            const transaction = database.transaction(TABLE, mode);
            const request = act(transaction.objectStore(TABLE));
            transaction.addEventListener("complete", () => resolve(request.result));
            transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("vault write aborted")));
        });
    } finally {
        database.close();
    }
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCodePoint(...bytes));
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (char) => char.codePointAt(0) ?? 0);

export async function saveCredentials(credentials: Credentials): Promise<void> {
    const plain = JSON.stringify({ ...credentials, storageKey: toBase64(credentials.storageKey) });
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(plain));
    await withTable("readwrite", (table) => table.put({ key, iv, box } satisfies Sealed, RECORD));
}

export async function loadCredentials(): Promise<Credentials | null> {
    const sealed = await withTable<Sealed | undefined>("readonly", (table) => table.get(RECORD));
    if (!sealed) return null;
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, sealed.key, sealed.box);
    const record = JSON.parse(new TextDecoder().decode(plain)) as Omit<Credentials, "storageKey"> & { storageKey: string };
    return { ...record, storageKey: fromBase64(record.storageKey) };
}

export async function forgetCredentials(): Promise<void> {
    await withTable("readwrite", (table) => table.delete(RECORD));
}
