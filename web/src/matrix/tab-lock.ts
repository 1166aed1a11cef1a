// One tab at a time: two clients on one crypto store would corrupt each other's keys.
//
// The browser's own lock manager holds the lock and frees it when the tab goes away, however it goes.

export type TabLock = { readonly release: () => void };

const NAME = "rohrpost-one-tab";

/**
 * Takes the lock, or answers null if another tab has it. With `takeOver` the other tab loses it and is told by its `onLost`.
 */
export function takeTabLock(options: { takeOver: boolean; onLost: () => void }): Promise<TabLock | null> {
    return new Promise((resolve, reject) => {
        let held = false;
        const request = options.takeOver ? { steal: true } : { ifAvailable: true };
        navigator.locks
            .request(NAME, request, (lock) => {
                if (!lock) {
                    resolve(null);
                    return undefined;
                }
                held = true;
                return new Promise<void>((release) => {
                    resolve({
                        release: () => {
                            held = false;
                            release();
                        },
                    });
                });
            })
            .catch((error: unknown) => {
                // A stolen lock rejects the holder's request.
                if (held) options.onLost();
                else reject(error instanceof Error ? error : new Error("lock refused"));
            });
    });
}
