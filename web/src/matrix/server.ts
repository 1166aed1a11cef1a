// What Rohrpost's own server offers beyond the Matrix client-server API, and the two Matrix calls that are made before anybody
// is signed in. Everything goes to the page's own origin.
import { MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";

export type RegistrationMode = "invite" | "email" | "open" | "closed";

export interface About {
    readonly server_name: string;
    readonly registration: RegistrationMode;
    readonly password_min_length: number;
    readonly encryption: "required" | "default" | "optional";
}

export interface Account {
    readonly user_id: string;
    readonly administrator: boolean;
}

export interface Invitation {
    readonly token: string;
    readonly link: string;
    readonly expires_ts: number;
}

export const serverUrl = (): string => globalThis.location.origin;

export async function callServer<T>(method: string, path: string, options: { token?: string; body?: unknown } = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(serverUrl() + path, {
        method,
        headers,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    const answer: unknown = text === "" ? {} : parseJson(text);
    if (!response.ok) throw new MatrixError((answer ?? {}) as object, response.status, path);
    return answer as T;
}

/** A proxy in front of the server may answer an error page; that counts as an answer without a code. */
function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return {};
    }
}

export const fetchAbout = (): Promise<About> => callServer<About>("GET", "/_rohrpost/client/v1/about");

export const fetchAccount = (token: string): Promise<Account> =>
    callServer<Account>("GET", "/_rohrpost/client/v1/account", { token });

export const createInvitation = (token: string, options: { uses: number; days: number; administrator: boolean }): Promise<Invitation> =>
    callServer<Invitation>("POST", "/_rohrpost/admin/v1/invitations", {
        token,
        body: { uses: options.uses, expires_in_ms: options.days * 86_400_000, administrator: options.administrator },
    });

export async function isInvitationValid(token: string): Promise<boolean> {
    const path = `/_matrix/client/v1/register/m.login.registration_token/validity?token=${encodeURIComponent(token)}`;
    const answer = await callServer<{ valid: boolean }>("GET", path);
    return answer.valid;
}

export async function isUserNameFree(name: string): Promise<boolean> {
    const answer = await callServer<{ available: boolean }>(
        "GET",
        `/_matrix/client/v3/register/available?username=${encodeURIComponent(name)}`,
    );
    return answer.available;
}
