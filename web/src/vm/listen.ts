// Small helpers for view models that follow the SDK's event emitters.

interface Emitter {
    on(event: never, listener: never): unknown;
    off(event: never, listener: never): unknown;
}

/** Subscribes one listener to several events and answers the function that unsubscribes it. */
export function listen(emitter: Emitter, events: readonly string[], listener: (...args: never[]) => void): () => void {
    for (const event of events) emitter.on(event as never, listener as never);
    return () => {
        for (const event of events) emitter.off(event as never, listener as never);
    };
}

/** Collapses bursts: however often it is called, `act` runs once per `delay` at most, and always after the last call. */
export function coalesce(act: () => void, delay = 16): { trigger: () => void; cancel: () => void } {
    let timer: ReturnType<typeof setTimeout> | undefined;
    return {
        trigger: () => {
            timer ??= setTimeout(() => {
                timer = undefined;
                act();
            }, delay);
        },
        cancel: () => clearTimeout(timer),
    };
}
