// The base of every view model: a plain class with one immutable snapshot that views read and a way to be told of the next one.
import { useEffect, useState, useSyncExternalStore } from "react";

export abstract class ViewModel<Snapshot extends object> {
    #snapshot: Snapshot;
    #listeners = new Set<() => void>();
    #cleanups: (() => void)[] = [];
    #disposed = false;

    constructor(initial: Snapshot) {
        this.#snapshot = initial;
    }

    readonly subscribe = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };

    readonly getSnapshot = (): Snapshot => this.#snapshot;

    protected get disposed(): boolean {
        return this.#disposed;
    }

    protected update(patch: Partial<Snapshot>): void {
        if (this.#disposed) return;
        this.#snapshot = { ...this.#snapshot, ...patch };
        for (const listener of this.#listeners) listener();
    }

    /** Registers something to undo when the view model goes away. */
    protected onDispose(cleanup: () => void): void {
        this.#cleanups.push(cleanup);
    }

    dispose(): void {
        if (this.#disposed) return;
        this.#disposed = true;
        for (const cleanup of this.#cleanups) cleanup();
        this.#listeners.clear();
    }
}

export function useSnapshot<Snapshot extends object>(model: ViewModel<Snapshot>): Snapshot {
    return useSyncExternalStore(model.subscribe, model.getSnapshot);
}

/** A view model that lives as long as the component that made it. Give the component a `key` to get a new one. */
export function useOwnModel<Model extends ViewModel<object>>(make: () => Model): Model {
    const [model] = useState(make);
    // In development React mounts twice; disposing at once would leave the second mount with a dead model.
    useEffect(() => {
        let gone = false;
        return () => {
            gone = true;
            queueMicrotask(() => gone && model.dispose());
        };
    }, [model]);
    return model;
}
