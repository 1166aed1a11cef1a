// The pages that other programs send people to: consent, a code that a device shows, and the account.
import type { MessageId } from "../app/i18n.tsx";
import {
    allowIdentityReset,
    allowSso,
    checkAuthorization,
    checkLink,
    checkSso,
    closeAccount,
    decideAuthorization,
    decideLink,
    fetchOwnAccount,
    rename,
    signInToPage,
    signOutDevice,
    type Leads,
    type OwnAccount,
    type Question,
} from "../matrix/account-pages.ts";
import { errorText, signInErrorText } from "../matrix/errors.ts";
import { ViewModel } from "./view-model.ts";

export interface PageSnapshot {
    /** Null: nobody signed in to the page yet. */
    readonly userId: string | null;
    /** The sign-in ran out while the page was open. */
    readonly endedByTime: boolean;
    readonly busy: boolean;
    readonly error: MessageId | null;
}

const NOBODY: PageSnapshot = { userId: null, endedByTime: false, busy: false, error: null };

/** A page that asks for the password first, and for it again when a quarter of an hour has passed. */
export abstract class PageVm<Snapshot extends PageSnapshot = PageSnapshot> extends ViewModel<Snapshot> {
    #session: string | null = null;

    protected set(patch: Partial<PageSnapshot>): void {
        this.update(patch as Partial<Snapshot>);
    }

    /** Somebody has an account since a moment ago, under a name that others are to see. */
    readonly created = (userName: string, password: string, displayName: string): Promise<void> => this.signIn(userName, password, displayName);

    readonly signIn = async (userName: string, password: string, displayName?: string): Promise<void> => {
        if (userName.trim() === "" || password === "") {
            this.set({ error: "error_fill_in" });
            return;
        }
        this.set({ busy: true, error: null });
        try {
            const { session, user_id } = await signInToPage(userName.trim(), password);
            this.#session = session;
            // The account is there, whether or not it may have the name.
            if (displayName !== undefined) await rename(session, displayName).catch(() => undefined);
            this.set({ userId: user_id, endedByTime: false, busy: false });
            await this.signedIn();
        } catch (error) {
            this.set({ busy: false, error: signInErrorText(error) });
        }
    };

    /** What is due once somebody is signed in. */
    protected signedIn(): Promise<void> {
        return Promise.resolve();
    }

    /** Asks the server in the name of whoever is signed in; answers null, and shows why, if that didn't work. */
    protected async ask<T>(question: (session: string) => Promise<T>, explain: (error: unknown) => MessageId = errorText): Promise<T | null> {
        if (this.#session === null) return null;
        this.set({ busy: true, error: null });
        try {
            const answer = await question(this.#session);
            this.set({ busy: false });
            return answer;
        } catch (error) {
            if (errorText(error) === "error_signed_out") {
                this.#session = null;
                this.set({ userId: null, endedByTime: true, busy: false });
            } else {
                this.set({ busy: false, error: explain(error) });
            }
            return null;
        }
    }
}

export interface AuthorizeSnapshot extends PageSnapshot {
    readonly phase: "checking" | "unreachable" | "refused" | "asking" | "leaving";
    readonly question: Question | null;
    readonly redirectTo: string | null;
}

/** A program asks for consent. */
export class AuthorizeVm extends PageVm<AuthorizeSnapshot> {
    readonly #query: string;
    readonly #leave: (address: string) => void;

    constructor(query: string, leave: (address: string) => void) {
        super({ ...NOBODY, phase: "checking", question: null, redirectTo: null });
        this.#query = query.replace(/^\?/, "");
        this.#leave = leave;
        void this.check();
    }

    readonly check = async (): Promise<void> => {
        this.update({ phase: "checking" });
        try {
            const answer = await checkAuthorization(this.#query);
            if ("redirect_to" in answer) this.#goTo(answer.redirect_to);
            else this.update({ phase: "asking", question: answer });
        } catch (error) {
            this.update({ phase: errorText(error) === "error_offline" ? "unreachable" : "refused" });
        }
    };

    readonly decide = async (allow: boolean): Promise<void> => {
        const answer = await this.ask((session) => decideAuthorization(this.#query, session, allow));
        if (answer) this.#goTo(answer.redirect_to);
    };

    #goTo(address: string): void {
        if (isScript(address)) {
            this.update({ phase: "refused" });
            return;
        }
        this.update({ phase: "leaving", redirectTo: address });
        this.#leave(address);
    }
}

/** The server only names addresses that it checked; scripts are none, whatever it says. */
const isScript = (address: string): boolean => /^\s*(javascript|data|vbscript|blob|file):/i.test(address);

export interface SsoSnapshot extends PageSnapshot {
    readonly phase: "checking" | "unreachable" | "refused" | "asking" | "declined" | "leaving";
    readonly leads: Leads | null;
    readonly redirectTo: string | null;
}

/** A program that doesn't know OAuth 2.0 wants its user back with a token. */
export class SsoVm extends PageVm<SsoSnapshot> {
    readonly #redirectUrl: string;
    readonly #leave: (address: string) => void;

    constructor(query: string, leave: (address: string) => void) {
        super({ ...NOBODY, phase: "checking", leads: null, redirectTo: null });
        this.#redirectUrl = new URLSearchParams(query).get("redirectUrl") ?? "";
        this.#leave = leave;
        void this.check();
    }

    readonly check = async (): Promise<void> => {
        this.update({ phase: "checking" });
        try {
            this.update({ phase: "asking", leads: await checkSso(this.#redirectUrl) });
        } catch (error) {
            this.update({ phase: errorText(error) === "error_offline" ? "unreachable" : "refused" });
        }
    };

    readonly decide = async (allow: boolean): Promise<void> => {
        // There is no answer for programs of this kind but the token.
        if (!allow) {
            this.update({ phase: "declined" });
            return;
        }
        const answer = await this.ask((session) => allowSso(this.#redirectUrl, session));
        if (!answer) return;
        if (isScript(answer.redirect_to)) {
            this.update({ phase: "refused" });
            return;
        }
        this.update({ phase: "leaving", redirectTo: answer.redirect_to });
        this.#leave(answer.redirect_to);
    };
}

export interface LinkSnapshot extends PageSnapshot {
    readonly question: Question | null;
    readonly decided: "allowed" | "refused" | null;
}

/** A device without a browser shows a code. */
export class LinkVm extends PageVm<LinkSnapshot> {
    #code = "";

    constructor() {
        super({ ...NOBODY, question: null, decided: null });
    }

    readonly enter = async (code: string): Promise<void> => {
        this.#code = code;
        const question = await this.ask((session) => checkLink(session, code), codeErrorText);
        if (question) this.update({ question });
    };

    readonly decide = async (allow: boolean): Promise<void> => {
        const answer = await this.ask((session) => decideLink(session, this.#code, allow), codeErrorText);
        if (answer) this.update({ decided: allow ? "allowed" : "refused" });
    };
}

function codeErrorText(error: unknown): MessageId {
    const text = errorText(error);
    return text === "error_not_found" ? "oauth_link_unknown" : text;
}

export type AccountAction = "all" | "profile" | "devices" | "device" | "removeDevice" | "close" | "resetIdentity";

const ACTIONS: ReadonlyMap<string, AccountAction> = new Map([
    ["org.matrix.profile", "profile"],
    ["org.matrix.devices_list", "devices"],
    ["org.matrix.sessions_list", "devices"],
    ["org.matrix.device_view", "device"],
    ["org.matrix.session_view", "device"],
    ["org.matrix.device_delete", "removeDevice"],
    ["org.matrix.session_end", "removeDevice"],
    ["org.matrix.account_deactivate", "close"],
    ["org.matrix.cross_signing_reset", "resetIdentity"],
]);

/** What the address of the account page asks for. Whatever isn't known shows the whole account. */
export function accountAction(query: string): { action: AccountAction; deviceId: string | null } {
    const parameters = new URLSearchParams(query);
    const action = ACTIONS.get(parameters.get("action") ?? "") ?? "all";
    const deviceId = parameters.get("device_id");
    return (action === "device" || action === "removeDevice") && !deviceId ? { action: "devices", deviceId: null } : { action, deviceId };
}

export interface AccountSnapshot extends PageSnapshot {
    readonly account: OwnAccount | null;
    readonly saved: boolean;
    /** The device that somebody is asked about. */
    readonly removing: string | null;
    readonly closed: boolean;
    readonly resetAllowed: boolean;
}

export class AccountVm extends PageVm<AccountSnapshot> {
    readonly #first: { action: AccountAction; deviceId: string | null };

    constructor(first: { action: AccountAction; deviceId: string | null }) {
        super({ ...NOBODY, account: null, saved: false, removing: null, closed: false, resetAllowed: false });
        this.#first = first;
    }

    protected override async signedIn(): Promise<void> {
        await this.#load();
        const { action, deviceId } = this.#first;
        if (action === "removeDevice" && this.getSnapshot().account?.devices.some((one) => one.device_id === deviceId)) {
            this.update({ removing: deviceId });
        }
    }

    async #load(): Promise<void> {
        const account = await this.ask(fetchOwnAccount);
        if (account) this.update({ account });
    }

    readonly rename = async (name: string): Promise<void> => {
        this.update({ saved: false });
        if ((await this.ask((session) => rename(session, name.trim()))) === null) return;
        await this.#load();
        this.update({ saved: true });
    };

    readonly askToRemove = (removing: string | null): void => this.update({ removing, error: null });

    readonly removeDevice = async (): Promise<void> => {
        const { removing } = this.getSnapshot();
        if (removing === null) return;
        const done = await this.ask((session) => signOutDevice(session, removing));
        this.update({ removing: null });
        if (done) await this.#load();
    };

    readonly close = async (password: string): Promise<void> => {
        if (await this.ask((session) => closeAccount(session, password), signInErrorText)) this.update({ closed: true });
    };

    readonly allowReset = async (): Promise<void> => {
        if (await this.ask(allowIdentityReset)) this.update({ resetAllowed: true });
    };
}

/** The user name that a program proposes: `mxid:@mara:amt.example`, or a plain one. */
export function proposedUserName(query: string): string {
    return (new URLSearchParams(query).get("login_hint") ?? "").replace(/^mxid:/, "").slice(0, 255);
}
