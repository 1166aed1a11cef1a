// What the pages for consent and for the account ask the server. What the server gives them for the password stays in the memory of
// the page: never in a cookie, so that no other page can make the browser send it, and never in storage.
import { callServer } from "./server.ts";

const PATH = "/_rohrpost/client/v1/oauth";

export interface Asker {
    readonly name: string;
    /** The host that stands behind the program. */
    readonly host: string;
    readonly tos_uri?: string;
    readonly policy_uri?: string;
}

export interface Question {
    readonly client: Asker;
    readonly device_id: string;
}

export interface PageLogin {
    readonly user_id: string;
    readonly session: string;
}

export interface AccountDevice {
    readonly device_id: string;
    readonly display_name?: string;
    readonly last_seen_ts?: number;
}

export interface OwnAccount {
    readonly user_id: string;
    readonly display_name?: string;
    readonly devices: readonly AccountDevice[];
}

const post = <T>(path: string, body: object): Promise<T> => callServer<T>("POST", `${PATH}/${path}`, { body });

export const signInToPage = (user: string, password: string): Promise<PageLogin> => post("sign_in", { user, password });

export const checkAuthorization = (query: string): Promise<Question | { redirect_to: string }> => post("authorize/check", { query });

export const decideAuthorization = (query: string, session: string, allow: boolean): Promise<{ redirect_to: string }> =>
    post("authorize", { query, session, allow });

export const checkLink = (session: string, code: string): Promise<Question> => post("link/check", { session, user_code: code });

export const decideLink = (session: string, code: string, allow: boolean): Promise<object> => post("link", { session, user_code: code, allow });

export const fetchOwnAccount = (session: string): Promise<OwnAccount> => post("account", { session });

export const rename = (session: string, name: string): Promise<object> => post("account/rename", { session, display_name: name });

export const signOutDevice = (session: string, deviceId: string): Promise<object> =>
    post("account/sign_out_device", { session, device_id: deviceId });

export const closeAccount = (session: string, password: string): Promise<object> => post("account/close", { session, password, erase: false });

export const allowIdentityReset = (session: string): Promise<object> => post("account/allow_identity_reset", { session });
