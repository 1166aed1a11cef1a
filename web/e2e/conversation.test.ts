// Two colleagues, three devices, one restart: the way through the whole product, and proof that the server can't read any of it.
import { strict as assert } from "node:assert";
import { deflateSync } from "node:zlib";
import { scenario } from "./lab.ts";
import { testPicture } from "./picture.ts";

// Words that occur nowhere else, so that finding one means that plaintext lay on the server.
const C = {
    first: "Kanarienvogel-Erstnachricht-7Q4",
    answer: "Kanarienvogel-Antwort-9X2",
    quoted: "Kanarienvogel-Zitat-3K8",
    before: "Kanarienvogel-Vorher-5T1",
    edited: "Kanarienvogel-Danach-6W7",
    deleted: "Kanarienvogel-Geloescht-2M9",
    file: "Kanarienvogel-Dateiinhalt-8R3",
    fileName: "Kanarienvogel-Dateiname-4Z6.txt",
    pictureName: "Kanarienvogel-Bildname-1B5.png",
    offline: "Kanarienvogel-Neustart-0H4",
    after: "Kanarienvogel-Weiter-7D2",
} as const;

scenario("two people write to each other, a second device reads the history, the server restarts and knows nothing", async ({ server, open }) => {
    const anna = await open();
    const key = await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const link = await anna.makeInvitationLink();
    const ben = await open();
    await ben.accept(link, "Ben Brückner");

    await anna.createRoom("Referat Haushalt", ["Ben Brückner"]);
    await anna.write(C.first);
    await anna.seesSent(C.first);
    await ben.acceptInvitation("Referat Haushalt");
    await anna.write(C.before);
    await ben.sees(C.before);
    await ben.write(C.answer);
    await anna.sees(C.answer);

    // Reply: the quote stands above the answer on both sides.
    await ben.act(C.before, "reply");
    await ben.write(C.quoted);
    await anna.message(C.quoted).getByText(C.before).waitFor();

    // Edit: only the new words are left, marked as changed.
    await anna.act(C.before, "edit");
    await anna.composer().fill(C.edited);
    await anna.composer().press("Enter");
    await ben.message(C.edited).getByText(ben.t("edited")).first().waitFor();

    // React, seen by the other with the name of who did.
    await ben.act(C.edited, "react");
    await ben.page.getByRole("button", { name: ben.t("a11y_react_with", { emoji: "👍" }) }).click();
    await anna.page.getByRole("button", { name: /👍.*Ben Brückner/ }).waitFor();

    // Delete.
    await anna.write(C.deleted);
    await ben.sees(C.deleted);
    await anna.act(C.deleted, "delete");
    await anna.page.getByRole("alertdialog").getByRole("button", { name: anna.t("delete"), exact: true }).click();
    await ben.message(ben.t("message_deleted")).waitFor();
    assert.equal(await ben.message(C.deleted).count(), 0);

    // A file and a picture: sent by one, opened by the other.
    await anna.page.locator('input[type="file"]').setInputFiles([
        { name: C.fileName, mimeType: "text/plain", buffer: Buffer.from(C.file) },
        { name: C.pictureName, mimeType: "image/png", buffer: testPicture(deflateSync) },
    ]);
    const download = ben.page.waitForEvent("download");
    await ben.page.getByRole("button", { name: ben.t("a11y_file", { name: C.fileName }) }).click();
    const saved = await (await download).createReadStream();
    let content = "";
    for await (const chunk of saved) content += String(chunk);
    assert.equal(content, C.file);
    const picture = ben.page.getByRole("button", { name: ben.t("a11y_picture", { name: C.pictureName }) });
    await picture.locator("img").waitFor();
    await ben.page.waitForFunction(() => document.querySelector<HTMLImageElement>(".picture img")?.naturalWidth === 64);

    // Anna's second device reads what was written before it existed.
    const second = await open();
    await second.signIn(server.url, "anna.albrecht");
    await second.confirmByKey(key);
    await second.openRoom("Referat Haushalt");
    for (const text of [C.first, C.edited, C.answer, C.quoted]) await second.sees(text);

    // The server goes down; what is written meanwhile waits and goes out by itself.
    await server.stop();
    await anna.write(C.offline);
    await anna.page.getByText(anna.t("offline_notice")).waitFor();
    await server.run();
    await ben.sees(C.offline);
    await ben.write(C.after);
    for (const person of [anna, second]) await person.sees(C.after);

    await server.stop();
    // The search works at all: a user name is no secret.
    assert.notDeepEqual(await server.filesContaining("ben.brueckner"), []);
    for (const text of Object.values(C)) assert.deepEqual(await server.filesContaining(text), [], `plaintext on the server: ${text}`);
    await server.run();
});
