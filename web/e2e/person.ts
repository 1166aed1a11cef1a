// What a person does in the client, one function per act, by the names they see.
import { strict as assert } from "node:assert";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { Device } from "./browser.ts";
import { words, type Language } from "./text.ts";

export const PASSWORD = "Ein langer Satz ist sicher 1871";

export class Person {
    readonly device: Device;
    readonly page: Page;
    readonly t: ReturnType<typeof words>;

    private constructor(device: Device, language: Language) {
        this.device = device;
        this.page = device.page;
        this.t = words(language);
    }

    static async open(browser: Browser, origin: string, options: BrowserContextOptions & { language?: Language } = {}): Promise<Person> {
        const { language = "de", ...context } = options;
        const device = await Device.open(browser, origin, context);
        if (language === "en") await device.context.addInitScript(() => localStorage.setItem("rohrpost.language", "en"));
        return new Person(device, language);
    }

    button(id: string, values?: Record<string, string>): Locator {
        return this.page.getByRole("button", { name: this.t(id, values), exact: true });
    }

    field(id: string): Locator {
        return this.page.getByLabel(this.t(id), { exact: true });
    }

    /** Opens an invitation link, makes the account and its recovery key; answers the key. */
    async accept(link: string, displayName: string): Promise<string> {
        await this.page.goto(link);
        await this.field("display_name").fill(displayName);
        await this.field("password").fill(PASSWORD);
        await this.field("register_password_again").fill(PASSWORD);
        await this.button("register_submit").click();
        return this.makeRecoveryKey();
    }

    async makeRecoveryKey(): Promise<string> {
        await this.button("recovery_create").click();
        const key = (await this.page.getByTestId("recovery-key").innerText()).trim();
        assert.match(key, /^[1-9A-HJ-NP-Za-km-z ]{48,}$/);
        await this.button("recovery_kept").click();
        // As from paper: without the blanks.
        await this.field("recovery_key").fill(key.replaceAll(" ", ""));
        await this.button("continue").click();
        await this.page.getByText(this.t("recovery_done_text")).waitFor();
        await this.button("continue").click();
        await this.button("new").waitFor();
        return key;
    }

    async signIn(origin: string, userName: string): Promise<void> {
        await this.page.goto(`${origin}/`);
        await this.field("user_name").fill(userName);
        await this.field("password").fill(PASSWORD);
        await this.button("sign_in").click();
    }

    async confirmByKey(key: string): Promise<void> {
        await this.page.getByRole("button", { name: this.t("confirm_by_key") }).click();
        await this.field("recovery_key").fill(key);
        await this.button("unlock_submit").click();
        await this.button("new").waitFor();
    }

    async openMenu(entry: "new_chat" | "new_room" | "invite_colleagues"): Promise<void> {
        await this.button("new").click();
        await this.page.getByRole("menuitem", { name: this.t(entry) }).click();
    }

    /** As an administrator: a link for one more account. */
    async makeInvitationLink(): Promise<string> {
        await this.openMenu("invite_colleagues");
        await this.button("invite_link_create").click();
        const link = await this.page.getByRole("dialog").getByLabel(this.t("invite_link_label"), { exact: true }).inputValue();
        await this.button("done").click();
        return link;
    }

    async createRoom(name: string, invite: string[] = []): Promise<void> {
        await this.openMenu("new_room");
        await this.field("room_name").fill(name);
        for (const person of invite) await this.find(person, "room_people");
        await this.button("room_create").click();
        await this.page.getByRole("heading", { name, exact: true }).waitFor();
    }

    async find(person: string, label: "people_search" | "room_people"): Promise<void> {
        // Somebody who just got an account may take a moment to be found; a person would search again.
        const found = this.page.getByRole("option", { name: person });
        for (let tries = 0; tries < 10 && (await found.count()) === 0; tries += 1) {
            await this.page.getByRole("searchbox", { name: this.t(label) }).fill("");
            await this.page.getByRole("searchbox", { name: this.t(label) }).fill(person);
            await found.waitFor({ timeout: 3000 }).catch(() => undefined);
        }
        await found.click();
    }

    async startChat(person: string): Promise<void> {
        await this.openMenu("new_chat");
        await this.find(person, "people_search");
        await this.page.getByRole("heading", { name: person, exact: true }).waitFor();
    }

    async acceptInvitation(name: string): Promise<void> {
        await this.page.getByRole("button", { name: this.t("a11y_accept", { name }) }).click();
        await this.page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
    }

    async openRoom(name: string): Promise<void> {
        await this.page.getByRole("row", { name }).click();
        await this.page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
    }

    composer(): Locator {
        return this.page.getByPlaceholder(this.t("compose_placeholder"));
    }

    async write(text: string): Promise<void> {
        await this.composer().fill(text);
        await this.composer().press("Enter");
    }

    /** The message with this text. */
    message(text: string): Locator {
        return this.page.getByRole("article").filter({ hasText: text });
    }

    async sees(text: string): Promise<void> {
        await this.message(text).first().waitFor();
    }

    /** Until the server has it: the tick, or two of them once somebody read it. */
    async seesSent(text: string): Promise<void> {
        await this.message(text).locator(".state--sent, .state--read").first().waitFor();
    }

    async act(text: string, action: "react" | "reply" | "edit" | "delete"): Promise<void> {
        await this.message(text).first().focus();
        await this.page.keyboard.press("Shift+F10");
        await this.page.getByRole("menuitem", { name: this.t(action), exact: true }).click();
    }
}
