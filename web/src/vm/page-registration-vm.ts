// Making an account on the pages that programs send people to: by invitation, by an address of the organisation, or openly.
import { createAccount, requestRegistrationMail, type Admission, type RegistrationMail } from "../matrix/account-pages.ts";
import { errorText, registrationErrorText } from "../matrix/errors.ts";
import { fetchAbout, isUserNameFree, type About } from "../matrix/server.ts";
import type { MessageId } from "../app/i18n.tsx";
import { checkForm, type Problem, type RegistrationForm } from "./sign-in-vm.ts";
import { ViewModel } from "./view-model.ts";

export interface PageRegistrationForm extends RegistrationForm {
    /** An invitation link or the code in it; empty: none. */
    readonly invitation: string;
    readonly email: string;
}

export interface PageRegistrationSnapshot {
    /** Null while it is asked for. */
    readonly about: About | null;
    /** A mail was sent, and its link is to be followed. */
    readonly mailSent: boolean;
    readonly busy: boolean;
    readonly problems: Partial<Readonly<Record<keyof PageRegistrationForm, Problem>>>;
    readonly error: MessageId | null;
}

/** Whether a program wants its user to make an account: OpenID Connect's word for it, or that of `m.login.sso`. */
export function wantsAccount(query: string): boolean {
    const parameters = new URLSearchParams(query);
    return (parameters.get("prompt") ?? "").split(" ").includes("create") || parameters.get("action") === "register";
}

/** The code of an invitation; people paste the whole link. */
export function invitationCode(typed: string): string {
    const [, code] = /#\/invite\/([^/?#\s]+)/.exec(typed) ?? [];
    if (code === undefined) return typed.trim();
    try {
        return decodeURIComponent(code);
    } catch {
        return code;
    }
}

export function checkPageForm(form: PageRegistrationForm, about: About): PageRegistrationSnapshot["problems"] {
    const problems: PageRegistrationSnapshot["problems"] = checkForm(form, about.password_min_length);
    const isInvited = form.invitation.trim() !== "";
    if (about.registration === "invite" && !isInvited) return { ...problems, invitation: { text: "page_register_invitation_missing" } };
    if (about.registration === "email" && !isInvited && !/^\S+@\S+$/.test(form.email.trim())) {
        return { ...problems, email: { text: "page_register_email_missing" } };
    }
    return problems;
}

/** What is due once the account is there. */
type Created = (userName: string, password: string, displayName: string) => Promise<void>;

export class PageRegistrationVm extends ViewModel<PageRegistrationSnapshot> {
    readonly #created: Created;
    #mail: RegistrationMail | null = null;

    constructor(created: Created) {
        super({ about: null, mailSent: false, busy: false, problems: {}, error: null });
        this.#created = created;
        void this.load();
    }

    readonly load = async (): Promise<void> => {
        this.update({ error: null });
        try {
            this.update({ about: await fetchAbout() });
        } catch (error) {
            this.update({ error: errorText(error) });
        }
    };

    /** Sends the mail first, where one is needed; the same form again, once its link was followed, makes the account. */
    readonly submit = async (form: PageRegistrationForm): Promise<void> => {
        const { about } = this.getSnapshot();
        if (!about) return;
        const problems = checkPageForm(form, about);
        this.update({ problems, error: null });
        if (Object.keys(problems).length > 0) return;
        this.update({ busy: true });
        try {
            const admission = await this.#admission(form, about);
            if (admission) {
                await createAccount(form.userName, form.password, admission);
                await this.#created(form.userName, form.password, form.displayName.trim());
            }
            this.update({ busy: false });
        } catch (error) {
            const text = registrationErrorText(error);
            const isMail = this.#mail !== null && text === "error_invitation_refused";
            this.update({ busy: false, error: isMail ? "page_register_mail_unconfirmed" : text });
        }
    };

    /** What lets somebody in; null: a mail was sent just now. */
    async #admission(form: PageRegistrationForm, about: About): Promise<Admission | null> {
        const token = invitationCode(form.invitation);
        if (token !== "") return { by: "invitation", token };
        if (about.registration !== "email") return { by: "nothing" };
        const email = form.email.trim();
        if (this.#mail?.email === email) return { by: "email", mail: this.#mail };
        await isUserNameFree(form.userName);
        this.#mail = await requestRegistrationMail(email);
        this.update({ mailSent: true });
        return null;
    }
}
