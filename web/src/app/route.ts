// Addresses inside the client, kept in the fragment so that the server never sees which room or invitation is open.
import { useSyncExternalStore } from "react";

export type Route =
    | { readonly page: "home" }
    | { readonly page: "room"; readonly roomId: string }
    | { readonly page: "invite"; readonly token: string }
    | { readonly page: "settings" };

/** Pages that other programs send people to. They have addresses of their own, since the programs add to them. */
export type AccountPage = "authorize" | "sso" | "link" | "account";

export function accountPage(path: string): AccountPage | null {
    switch (path.replace(/\/$/, "")) {
        case "/oauth2/authorize":
            return "authorize";
        case "/oauth2/sso":
            return "sso";
        case "/oauth2/link":
            return "link";
        case "/account":
            return "account";
        default:
            return null;
    }
}

export function parseRoute(hash: string): Route {
    const [page, argument] = hash.replace(/^#\/?/, "").split("/", 2);
    const value = decode(argument ?? "");
    if (page === "room" && value) return { page: "room", roomId: value };
    if (page === "invite" && value) return { page: "invite", token: value };
    if (page === "settings") return { page: "settings" };
    return { page: "home" };
}

function decode(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return "";
    }
}

export function routeToHash(route: Route): string {
    switch (route.page) {
        case "room":
            return `#/room/${encodeURIComponent(route.roomId)}`;
        case "invite":
            return `#/invite/${encodeURIComponent(route.token)}`;
        case "settings":
            return "#/settings";
        case "home":
            return "#/";
    }
}

export function navigate(route: Route): void {
    globalThis.location.hash = routeToHash(route);
}

/** Leaves an address behind without a way back to it: an invitation is used once. */
export function replaceRoute(route: Route): void {
    history.replaceState(null, "", routeToHash(route));
    globalThis.dispatchEvent(new HashChangeEvent("hashchange"));
}

let current = { hash: "", route: parseRoute("") };
function snapshot(): Route {
    const hash = globalThis.location.hash;
    if (hash !== current.hash) current = { hash, route: parseRoute(hash) };
    return current.route;
}

function subscribe(listener: () => void): () => void {
    globalThis.addEventListener("hashchange", listener);
    return () => globalThis.removeEventListener("hashchange", listener);
}

export const useRoute = (): Route => useSyncExternalStore(subscribe, snapshot);
