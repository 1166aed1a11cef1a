// A second device confirmed by the first: both show the same seven pictures, and the history opens without a key.
import { strict as assert } from "node:assert";
import { scenario } from "./lab.ts";
import type { Person } from "./person.ts";

const pictures = async (person: Person): Promise<string[]> => {
    const list = person.page.getByRole("list", { name: person.t("verify_pictures") });
    await list.waitFor();
    return list.getByRole("listitem").allInnerTexts();
};

const symbols = (texts: string[]): (string | undefined)[] => texts.map((text) => text.split("\n")[0]);

scenario("a device is confirmed by comparing pictures with another one", async ({ server, open }) => {
    const first = await open();
    await first.accept(await server.oneTimeLink(), "Anna Albrecht");
    await first.createRoom("Notizen");
    await first.write("Vor dem zweiten Gerät geschrieben");
    await first.seesSent("Vor dem zweiten Gerät geschrieben");

    const second = await open({ language: "en" });
    await second.signIn(server.url, "anna.albrecht");
    await second.page.getByRole("button", { name: second.t("confirm_by_device") }).click();
    await first.button("verify_accept").click();

    const [here, there] = [await pictures(first), await pictures(second)];
    assert.equal(here.length, 7);
    // One device speaks German, the other English: the symbols are the same, and every name was translated.
    assert.deepEqual(symbols(here), symbols(there));

    await first.button("verify_same").click();
    await second.button("verify_same").click();
    await second.button("continue").click();
    await first.button("continue").click();
    await second.openRoom("Notizen");
    await second.sees("Vor dem zweiten Gerät geschrieben");
    // And the other way: what the new device writes, the old one reads.
    await second.write("Written on the second device");
    await first.sees("Written on the second device");
    // No banner on either: all keys arrived.
    for (const person of [first, second]) assert.equal(await person.page.locator(".shell__notices .alert").count(), 0);
});

scenario("pictures that differ confirm nothing", async ({ server, open }) => {
    const first = await open();
    await first.accept(await server.oneTimeLink(), "Anna Albrecht");
    const second = await open();
    await second.signIn(server.url, "anna.albrecht");
    await second.page.getByRole("button", { name: second.t("confirm_by_device") }).click();
    await first.button("verify_accept").click();
    await pictures(first);
    await pictures(second);
    await first.button("verify_different").click();
    await second.page.getByText(second.t("verify_mismatch")).waitFor();
    await second.button("back").click();
    // Still outside.
    await second.page.getByRole("heading", { name: second.t("confirm_title") }).waitFor();
    assert.equal(await second.button("new").count(), 0);
});

scenario("a wrong recovery key is refused with a sentence, a new one replaces a lost one", async ({ server, open }) => {
    const first = await open();
    const oldKey = await first.accept(await server.oneTimeLink(), "Anna Albrecht");
    await first.createRoom("Notizen");
    await first.write("Mit dem alten Schlüssel");
    await first.seesSent("Mit dem alten Schlüssel");

    // In the settings: a new key, which from then on is the only one.
    await first.button("settings").click();
    await first.button("settings_key_new").click();
    const dialog = first.page.getByRole("dialog");
    await dialog.getByRole("button", { name: first.t("recovery_create") }).click();
    const newKey = await dialog.getByTestId("recovery-key").innerText();
    await dialog.getByRole("button", { name: first.t("recovery_kept") }).click();
    await dialog.getByLabel(first.t("recovery_key"), { exact: true }).fill(oldKey);
    await dialog.getByRole("button", { name: first.t("continue") }).click();
    await dialog.getByText(first.t("recovery_repeat_differs")).waitFor();
    await dialog.getByLabel(first.t("recovery_key"), { exact: true }).fill(newKey);
    await dialog.getByRole("button", { name: first.t("continue") }).click();
    await dialog.getByText(first.t("recovery_done_text")).waitFor();
    await dialog.getByRole("button", { name: first.t("continue") }).click();

    const second = await open();
    await second.signIn(server.url, "anna.albrecht");
    await second.page.getByRole("button", { name: second.t("confirm_by_key") }).click();
    await second.field("recovery_key").fill("kein Schlüssel");
    await second.button("unlock_submit").click();
    await second.page.getByText(second.t("unlock_malformed")).waitFor();
    await second.field("recovery_key").fill(oldKey);
    await second.button("unlock_submit").click();
    await second.page.getByText(second.t("unlock_not_current")).waitFor();
    // Line breaks and blanks as from a print-out.
    await second.field("recovery_key").fill(newKey.replaceAll(" ", "\n  "));
    await second.button("unlock_submit").click();
    await second.openRoom("Notizen");
    await second.sees("Mit dem alten Schlüssel");
});

scenario("a device without key and helper starts anew", async ({ server, open }) => {
    const first = await open();
    await first.accept(await server.oneTimeLink(), "Anna Albrecht");
    await first.createRoom("Notizen");
    await first.write("Wird gesperrt bleiben");
    await first.seesSent("Wird gesperrt bleiben");
    await first.device.close();

    const second = await open();
    await second.signIn(server.url, "anna.albrecht");
    await second.page.getByRole("button", { name: new RegExp(`^${second.t("confirm_anew")}`) }).click();
    await second.button("anew_submit").click();
    const key = await second.makeRecoveryKey();
    await second.openRoom("Notizen");
    assert.equal(await second.message("Wird gesperrt bleiben").count(), 0);
    await second.page.getByRole("article").filter({ hasText: /gesperrt|entsperrt/ }).first().waitFor();
    await second.write("Geht weiter");
    await second.seesSent("Geht weiter");

    // The new key works on the next device.
    const third = await open();
    await third.signIn(server.url, "anna.albrecht");
    await third.confirmByKey(key);
    await third.openRoom("Notizen");
    await third.sees("Geht weiter");
});
