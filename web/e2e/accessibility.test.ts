// Every screen and dialog of the first cut before axe, and the way from sign-in to an answer with the keyboard alone.
import { strict as assert } from "node:assert";
import { assertAccessible } from "./axe.ts";
import { scenario } from "./lab.ts";
import { PASSWORD, type Person } from "./person.ts";

scenario("axe finds nothing on any screen", async ({ server, open }) => {
    const anna = await open();
    const look = (screen: string) => assertAccessible(anna.page, screen);
    await anna.page.goto(`${server.url}/`);
    await anna.button("sign_in").waitFor();
    await look("sign-in");
    await anna.button("sign_in").click();
    await anna.page.getByRole("alert").waitFor();
    await look("sign-in with an error");

    // The fragment alone changes: the page stays.
    await anna.page.goto(await server.oneTimeLink());
    await anna.button("register_submit").click();
    await anna.page.getByText(anna.t("register_name_missing")).waitFor();
    await look("invitation with errors");
    await anna.field("display_name").fill("Anna Albrecht");
    await anna.field("password").fill(PASSWORD);
    await anna.field("register_password_again").fill(PASSWORD);
    await anna.button("register_submit").click();
    await anna.button("recovery_create").waitFor();
    await look("recovery key: what it is");
    await anna.button("recovery_create").click();
    const key = await anna.page.getByTestId("recovery-key").innerText();
    await look("recovery key: shown");
    await anna.button("recovery_kept").click();
    await look("recovery key: repeated");
    await anna.field("recovery_key").fill(key);
    await anna.button("continue").click();
    await anna.page.getByText(anna.t("recovery_done_text")).waitFor();
    await anna.button("continue").click();
    await anna.button("new").waitFor();
    await look("empty list");

    for (const entry of ["new_chat", "new_room", "invite_colleagues"] as const) {
        await anna.openMenu(entry);
        await anna.page.getByRole("dialog").waitFor();
        await look(entry);
        await anna.page.keyboard.press("Escape");
    }
    await anna.createRoom("Referat Haushalt");
    await anna.write("Eine Nachricht mit https://amt.example/link");
    await anna.seesSent("Eine Nachricht");
    await anna.act("Eine Nachricht", "react");
    await look("reactions to choose");
    await anna.page.getByRole("button", { name: anna.t("a11y_react_with", { emoji: "👍" }) }).click();
    await anna.page.locator(".reaction").waitFor();
    await anna.act("Eine Nachricht", "reply");
    await anna.write("Eine Antwort");
    await anna.seesSent("Eine Antwort");
    await look("conversation");
    await anna.message("Eine Antwort").last().focus();
    await anna.page.keyboard.press("Shift+F10");
    await anna.page.getByRole("menu").waitFor();
    await look("menu of a message");
    await anna.page.keyboard.press("Escape");
    await anna.button("details").click();
    await anna.page.getByRole("complementary").waitFor();
    await look("details");
    await anna.button("leave").click();
    await anna.page.getByRole("alertdialog").waitFor();
    await look("leaving");
    await anna.page.keyboard.press("Escape");
    await anna.button("settings").click();
    await anna.page.getByText(anna.t("device_this")).waitFor();
    await look("settings");
    await anna.page.setViewportSize({ width: 360, height: 720 });
    await look("settings on a phone");
    await anna.button("back_to_list").click();
    await anna.button("new").waitFor();
    await look("list on a phone");

    const second = await open();
    await second.signIn(server.url, "anna.albrecht");
    await second.page.getByRole("button", { name: second.t("confirm_by_key") }).waitFor();
    await assertAccessible(second.page, "confirm a device");
});

/** Presses Tab until the focus is where it should be; fails if it never gets there. */
async function tabTo(person: Person, name: RegExp): Promise<void> {
    const { page } = person;
    const seen: string[] = [];
    for (let presses = 0; presses < 40; presses += 1) {
        const label = await page.evaluate(() => {
            const element = document.activeElement === document.body ? null : (document.activeElement as HTMLElement | null);
            const field = element as HTMLInputElement | null;
            return element?.getAttribute("aria-label") ?? field?.labels?.[0]?.textContent ?? element?.textContent ?? "";
        });
        if (name.test(label)) {
            // What has the focus must be seen to have it.
            const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
            assert.notEqual(outline, "none", `no visible focus on ${label}`);
            return;
        }
        seen.push(label.slice(0, 40));
        await page.keyboard.press("Tab");
    }
    throw new Error(`Tab never reached ${name}; it passed: ${seen.join(" | ")}`);
}

scenario("from sign-in to an answer with the keyboard alone", async ({ server, open }) => {
    const anna = await open();
    const key = await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    await anna.createRoom("Referat Haushalt");
    await anna.write("Bitte mit der Tastatur beantworten");
    await anna.seesSent("Bitte mit der Tastatur beantworten");

    const second = await open();
    const keys = second.page.keyboard;
    await second.page.goto(`${server.url}/`);
    await second.button("sign_in").waitFor();
    await tabTo(second, /^Benutzername$/);
    await keys.type("anna.albrecht");
    await tabTo(second, /^Passwort$/);
    await keys.type(PASSWORD);
    await keys.press("Enter");
    await second.page.getByRole("heading", { name: second.t("confirm_title") }).waitFor();
    await tabTo(second, /^Mit dem Wiederherstellungsschlüssel/);
    await keys.press("Enter");
    await second.field("recovery_key").waitFor();
    await tabTo(second, /^Wiederherstellungsschlüssel$/);
    await keys.insertText(key);
    await tabTo(second, /^Bestätigen$/);
    await keys.press("Enter");
    await second.button("new").waitFor();
    await second.page.getByRole("row", { name: "Referat Haushalt" }).waitFor();
    await tabTo(second, /^Referat Haushalt/);
    await keys.press("Enter");
    await second.sees("Bitte mit der Tastatur beantworten");
    // The message, its menu, an answer.
    await tabTo(second, /^SieBitte mit der Tastatur beantworten/);
    await keys.press("Shift+F10");
    await second.page.getByRole("menuitem", { name: second.t("reply"), exact: true }).waitFor();
    await keys.press("ArrowDown");
    await keys.press("Enter");
    await second.page.getByText(second.t("replying_to", { name: "Anna Albrecht" })).waitFor();
    await keys.type("Ohne Maus geschrieben");
    await keys.press("Enter");
    await anna.sees("Ohne Maus geschrieben");
    await anna.message("Ohne Maus geschrieben").getByText("Bitte mit der Tastatur beantworten").waitFor();
});
