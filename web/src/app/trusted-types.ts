// The page's policy forbids strings where scripts are loaded. The one exception is our own service worker.

const POLICY = "rohrpost";

interface TrustedTypesWindow {
    readonly trustedTypes?: {
        createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): unknown };
    };
}

/** The service worker's address in the form `register` accepts under Trusted Types. */
export function serviceWorkerUrl(): string {
    const address = "/sw.js";
    const policy = (globalThis as TrustedTypesWindow).trustedTypes?.createPolicy(POLICY, {
        createScriptURL: (url) => {
            if (url !== address) throw new TypeError("only the service worker may be loaded this way");
            return url;
        },
    });
    // The DOM types know strings only; the browser gets the trusted object.
    return (policy ? policy.createScriptURL(address) : address) as string;
}
