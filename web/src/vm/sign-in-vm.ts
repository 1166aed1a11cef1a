// The page before the account: sign in, or make an account with an invitation (or openly, where the server allows it).
import type { MessageId, Values } from "../app/i18n.tsx";
import { errorText, registrationErrorText, signInErrorText } from "../matrix/errors.ts";
import { isInvitationValid, isUserNameFree, type About } from "../matrix/server.ts";
import { register, signIn } from "../matrix/sign-in.ts";
import type { AppVm } from "./app-vm.ts";
import { ViewModel } from "./view-model.ts";

export interface Problem {
    readonly text: MessageId;
    readonly values?: Values;
}

export interface SignInSnapshot {
    readonly busy: boolean;
    readonly error: MessageId | null;
}

export class SignInVm extends ViewModel<SignInSnapshot> {
    readonly #app: AppVm;

    constructor(app: AppVm) {
        super({ busy: false, error: null });
        this.#app = app;
    }

    readonly submit = async (userName: string, password: string): Promise<void> => {
        if (userName.trim() === "" || password === "") {
            this.update({ error: "error_fill_in" });
            return;
        }
        this.update({ busy: true, error: null });
        try {
            await this.#app.signedIn(await signIn(userName, password), password);
        } catch (error) {
            this.update({ busy: false, error: signInErrorText(error) });
        }
    };
}

export interface RegistrationForm {
    readonly displayName: string;
    readonly userName: string;
    readonly password: string;
    readonly repeated: string;
}

export type RegistrationField = keyof RegistrationForm;

export interface RegistrationSnapshot {
    /** Null while the invitation is checked. */
    readonly invitation: "valid" | "invalid" | "unreachable" | null;
    readonly busy: boolean;
    readonly problems: Partial<Readonly<Record<RegistrationField, Problem>>>;
    readonly error: MessageId | null;
}

/** The user names that Matrix allows for new accounts. */
const USER_NAME = /^[a-z0-9._=/+-]+$/;

export function checkForm(form: RegistrationForm, minLength: number): RegistrationSnapshot["problems"] {
    const problems: Partial<Record<RegistrationField, Problem>> = {};
    if (form.displayName.trim() === "") problems.displayName = { text: "register_name_missing" };
    if (form.userName === "") problems.userName = { text: "register_user_missing" };
    else if (!USER_NAME.test(form.userName)) problems.userName = { text: "register_user_characters" };
    if ([...form.password].length < minLength) problems.password = { text: "register_password_short", values: { min: minLength } };
    else if (form.password !== form.repeated) problems.repeated = { text: "register_password_differs" };
    return problems;
}

const UMLAUTS: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue", ß: "ss" };

/** "Jürgen von der Heide" to "juergen.heide": a proposal that people may change. */
export function proposeUserName(displayName: string): string {
    const words = displayName
        .toLocaleLowerCase("de")
        .replaceAll(/[äöüß]/g, (char) => UMLAUTS[char] ?? char)
        .normalize("NFKD")
        .replaceAll(/\p{M}/gu, "")
        .split(/[^a-z0-9]+/)
        .filter((word) => word !== "" && word !== "dr" && word !== "prof");
    return [...new Set([words[0], words.at(-1)])].filter(Boolean).join(".");
}

export class RegistrationVm extends ViewModel<RegistrationSnapshot> {
    readonly #app: AppVm;
    readonly #about: About;
    readonly #token: string | null;

    constructor(app: AppVm, about: About, token: string | null) {
        super({ invitation: token === null ? "valid" : null, busy: false, problems: {}, error: null });
        this.#app = app;
        this.#about = about;
        this.#token = token;
        void this.check();
    }

    readonly check = async (): Promise<void> => {
        if (this.#token === null) return;
        this.update({ invitation: null });
        try {
            this.update({ invitation: (await isInvitationValid(this.#token)) ? "valid" : "invalid" });
        } catch (error) {
            // A server that refuses even to look at it takes no invitations.
            this.update({ invitation: errorText(error) === "error_forbidden" ? "invalid" : "unreachable" });
        }
    };

    readonly submit = async (form: RegistrationForm): Promise<boolean> => {
        const problems = checkForm(form, this.#about.password_min_length);
        this.update({ problems, error: null });
        if (Object.keys(problems).length > 0) return false;
        this.update({ busy: true });
        try {
            if (!(await this.#isFree(form.userName))) {
                this.update({ busy: false, problems: { userName: { text: "error_user_in_use" } } });
                return false;
            }
            const { userName, displayName, password } = form;
            const credentials = await register({ userName, displayName: displayName.trim(), password, invitation: this.#token });
            await this.#app.signedIn(credentials, password);
            return true;
        } catch (error) {
            this.update({ busy: false, error: registrationErrorText(error) });
            return false;
        }
    };

    async #isFree(userName: string): Promise<boolean> {
        try {
            return await isUserNameFree(userName);
        } catch (error) {
            if (errorText(error) === "error_user_in_use") return false;
            throw error;
        }
    }
}
