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

/** Where a program that doesn't know OAuth 2.0 wants its user back: a web page by its host, or a program on the same device. */
export type Leads = { readonly site: string } | { readonly program: string };

export const checkSso = (redirectUrl: string): Promise<Leads> => post("sso/check", { redirect_url: redirectUrl });

export const allowSso = (redirectUrl: string, session: string): Promise<{ redirect_to: string }> =>
    post("sso", { redirect_url: redirectUrl, session });

export const checkLink = (session: string, code: string): Promise<Question> => post("link/check", { session, user_code: code });

export const decideLink = (session: string, code: string, allow: boolean): Promise<object> => post("link", { session, user_code: code, allow });

/** A mail whose link shows that an address is somebody's. */
export interface RegistrationMail {
    readonly email: string;
    readonly sid: string;
    readonly clientSecret: string;
}

/** What lets somebody have an account. */
export type Admission =
    | { readonly by: "invitation"; readonly token: string }
    | { readonly by: "email"; readonly mail: RegistrationMail }
    | { readonly by: "nothing" };

export async function requestRegistrationMail(email: string): Promise<RegistrationMail> {
    const clientSecret = crypto.randomUUID();
    const { sid } = await callServer<{ sid: string }>("POST", "/_matrix/client/v3/register/email/requestToken", {
        body: { client_secret: clientSecret, email, send_attempt: 1 },
    });
    return { email, sid, clientSecret };
}

/** Makes an account without signing in to it: the page does that by itself. */
export async function createAccount(userName: string, password: string, admission: Admission): Promise<void> {
    const body = { username: userName, password, inhibit_login: true, auth: toAuth(admission) };
    await callServer("POST", "/_matrix/client/v3/register", { body });
}

function toAuth(admission: Admission): object {
    switch (admission.by) {
        case "invitation":
            return { type: "m.login.registration_token", token: admission.token };
        case "email": {
            const { sid, clientSecret } = admission.mail;
            return { type: "m.login.email.identity", threepid_creds: { sid, client_secret: clientSecret } };
        }
        case "nothing":
            return { type: "m.login.dummy" };
    }
}

export const fetchOwnAccount = (session: string): Promise<OwnAccount> => post("account", { session });

export const rename = (session: string, name: string): Promise<object> => post("account/rename", { session, display_name: name });

export const signOutDevice = (session: string, deviceId: string): Promise<object> =>
    post("account/sign_out_device", { session, device_id: deviceId });

export const closeAccount = (session: string, password: string): Promise<object> => post("account/close", { session, password, erase: false });

export const allowIdentityReset = (session: string): Promise<object> => post("account/allow_identity_reset", { session });
