// The service worker: keeps the client's own files so that it starts without a network. It touches nothing else: requests to the
// server's interfaces pass by it, and no message, key or token ever comes near it.

interface WorkerScope {
    skipWaiting(): Promise<void>;
    readonly clients: { claim(): Promise<void> };
    addEventListener(type: "install" | "activate", listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
    addEventListener(
        type: "fetch",
        listener: (event: { readonly request: Request; respondWith(answer: Promise<Response>): void }) => void,
    ): void;
}

const worker = globalThis as unknown as WorkerScope;
const CACHE = "rohrpost-client";
/** Replaced at build time by the names of the files this version consists of. */
const ASSETS = "@@ASSETS@@" as unknown as string[];

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));

worker.addEventListener("activate", (event) => {
    event.waitUntil(
        (async () => {
            const cache = await caches.open(CACHE);
            const keep = new Set([...ASSETS.map((name) => `/${name}`), "/"]);
            for (const request of await cache.keys()) {
                if (!keep.has(new URL(request.url).pathname)) await cache.delete(request);
            }
            await worker.clients.claim();
        })(),
    );
});

worker.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method !== "GET" || url.origin !== globalThis.location.origin) return;
    if (event.request.mode === "navigate" && url.pathname === "/") event.respondWith(page(event.request));
    else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(event.request));
});

/** Files under /assets carry a hash of their content in the name: once kept, always right. */
async function asset(request: Request): Promise<Response> {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(request);
    if (kept) return kept;
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
}

/** The page itself: the newest if the server answers, the last one seen if not. */
async function page(request: Request): Promise<Response> {
    const cache = await caches.open(CACHE);
    try {
        const answer = await fetch(request);
        if (answer.ok) await cache.put("/", answer.clone());
        return answer;
    } catch (error) {
        const kept = await cache.match("/");
        if (kept) return kept;
        throw error;
    }
}
