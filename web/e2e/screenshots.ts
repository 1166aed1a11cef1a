// Pictures of the client for people to look at: both languages, desk and phone, light and dark.
//   npm run screenshots -- FOLDER
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { launchBrowser } from "./browser.ts";
import { PASSWORD, Person } from "./person.ts";
import { testPicture } from "./picture.ts";
import { TestServer } from "./server.ts";
import { words, type Language } from "./text.ts";

const folder = process.argv[2];
if (!folder) throw new Error("give a folder for the pictures");
await mkdir(folder, { recursive: true });

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 720 };
const SIZES = { desk: DESK, phone: PHONE } as const;
const LANGUAGES: readonly Language[] = ["de", "en"];
const THEMES = ["light", "dark"] as const;

const server = await TestServer.start();
const browser = await launchBrowser();

/** The present screen in every theme and size. */
async function shoot(person: Person, name: string, sizes: readonly (keyof typeof SIZES)[] = ["desk", "phone"]): Promise<void> {
    for (const size of sizes) {
        await person.page.setViewportSize(SIZES[size]);
        for (const theme of THEMES) {
            await person.page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
            await person.page.evaluate(() => document.fonts.ready);
            await person.page.mouse.move(0, 0);
            await person.page.screenshot({ path: join(folder ?? "", `${name}-${size}-${theme}.png`) });
        }
    }
    await person.page.setViewportSize(DESK);
}

try {
    const anna = await Person.open(browser, server.url);
    const annaKey = await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    await shoot(anna, "de-empty");
    const people: Person[] = [];
    for (const name of ["Ben Brückner", "Clara Öztürk", "Dr. Jürgen von der Heide"]) {
        const link = await anna.makeInvitationLink();
        const person = await Person.open(browser, server.url);
        if (people.length === 0) {
            await person.page.goto(link);
            await person.field("display_name").fill(name);
            await shoot(person, "de-invitation");
        }
        await person.accept(link, name);
        people.push(person);
    }
    const [ben, clara, juergen] = people as [Person, Person, Person];

    await anna.createRoom("Haushalt 2027", ["Ben Brückner", "Clara Öztürk", "Dr. Jürgen von der Heide"]);
    for (const person of people) await person.acceptInvitation("Haushalt 2027");
    await anna.write("Guten Morgen zusammen! Der Entwurf für den Haushalt 2027 steht. Bitte bis Donnerstag einmal durchsehen.");
    await ben.sees("Der Entwurf");
    await anna.write("Es fehlen noch die Zahlen aus dem Bauamt.");
    await ben.sees("Bauamt");
    await ben.write("Danke, schaue ich heute Nachmittag an.");
    await clara.sees("heute Nachmittag");
    await clara.act("Bauamt", "reply");
    await clara.write("Die Zahlen liegen jetzt vor, ich schicke sie gleich als Tabelle.");
    await anna.sees("als Tabelle");
    await clara.page.locator('input[type="file"]').setInputFiles([
        { name: "Bauamt-Investitionen-2027.ods", mimeType: "application/vnd.oasis.opendocument.spreadsheet", buffer: Buffer.alloc(48_213, 7) },
    ]);
    await anna.page.getByRole("button", { name: /Bauamt-Investitionen/ }).waitFor();
    await ben.page.locator('input[type="file"]').setInputFiles([
        {
            name: "Rathaus.png",
            mimeType: "image/png",
            buffer: testPicture(deflateSync, 480, [[35, 48, 105], [143, 160, 232], [236, 240, 252], [70, 96, 180]]),
        },
    ]);
    await anna.page.locator(".picture img").waitFor();
    await anna.act("als Tabelle", "react");
    await anna.page.getByRole("button", { name: anna.t("a11y_react_with", { emoji: "🙏" }) }).click();
    await ben.act("als Tabelle", "react");
    await ben.page.getByRole("button", { name: ben.t("a11y_react_with", { emoji: "🙏" }) }).click();
    await juergen.write("Perfekt. Dann können wir am Freitag in die Abstimmung gehen 👍");
    await anna.sees("Abstimmung");
    await anna.write("So machen wir es. Ich lade für 10 Uhr ein: https://amt.example/termine/2027-01");
    await juergen.sees("10 Uhr");
    await ben.startChat("Anna Albrecht");
    await ben.write("Hast du kurz Zeit für eine Rückfrage?");
    await anna.acceptInvitation("Ben Brückner");
    await anna.sees("Rückfrage");
    await clara.createRoom("Projekt Bürgerbüro", ["Anna Albrecht"]);
    await clara.write("Willkommen im Projektraum.");
    await juergen.createRoom("Katastrophenschutz", ["Anna Albrecht"]);
    await anna.acceptInvitation("Projekt Bürgerbüro");
    await anna.openRoom("Haushalt 2027");
    await clara.write("Die Raumpläne sind da.");
    await clara.write("Bitte prüft die Barrierefreiheit im Erdgeschoss.");
    await anna.page.getByRole("row", { name: /Barrierefreiheit/ }).waitFor();

    for (const language of LANGUAGES) {
        const t = words(language);
        const stranger = await Person.open(browser, server.url, { language });
        await stranger.page.goto(server.url);
        await stranger.button("sign_in").waitFor();
        await shoot(stranger, `${language}-sign-in`);
        if (language === "de") {
            await stranger.signIn(server.url, "anna.albrecht");
            await stranger.page.getByRole("button", { name: t("confirm_by_key") }).waitFor();
            await shoot(stranger, "de-confirm");
            await stranger.confirmByKey(annaKey);
        }
        await stranger.device.close();

        const sent = await Person.open(browser, server.url, { language });
        const older = `${server.url}/_matrix/client/v3/login/sso/redirect?redirectUrl=${encodeURIComponent("https://client.example/")}`;
        await sent.page.goto(`${older}&action=register`);
        await sent.page.getByRole("heading", { name: t("register_open") }).waitFor();
        await shoot(sent, `${language}-program-account`);
        await sent.page.goto(older);
        await sent.field("password").fill(PASSWORD);
        await sent.field("user_name").fill("anna.albrecht");
        await shoot(sent, `${language}-program-sign-in`);
        await sent.button("sign_in").click();
        await sent.page.getByRole("heading", { name: t("oauth_consent_title") }).waitFor();
        await shoot(sent, `${language}-program-consent`);
        await sent.device.close();

        await anna.page.evaluate((chosen) => localStorage.setItem("rohrpost.language", chosen), language);
        await anna.page.reload();
        const here = Object.assign(Object.create(Object.getPrototypeOf(anna) as object), anna, { t }) as Person;
        await here.page.getByText("10 Uhr").first().waitFor();
        await here.page.locator(".picture img").waitFor();
        await shoot(here, `${language}-conversation`);
        await here.button("details").click();
        await shoot(here, `${language}-details`, language === "de" ? ["desk", "phone"] : ["desk"]);
        await here.button("details").click();
        await here.page.evaluate(() => (location.hash = "#/"));
        await here.button("new").waitFor();
        await shoot(here, `${language}-rooms`);
        if (language === "de") {
            await here.page.evaluate(() => (location.hash = "#/settings"));
            await here.page.getByText(t("device_this")).waitFor();
            await shoot(here, "de-settings");
            await here.page.evaluate(() => (location.hash = "#/"));
            await here.openMenu("new_room");
            await here.page.getByRole("searchbox", { name: t("room_people") }).fill("b");
            await here.page.getByRole("option").first().waitFor();
            await shoot(here, "de-new-room");
            await here.page.keyboard.press("Escape");
            await here.page.keyboard.press("Escape");
            await here.openRoom("Haushalt 2027");
            await here.message("So machen wir").first().focus();
            await here.page.keyboard.press("Shift+F10");
            await here.page.getByRole("menuitem").first().waitFor();
            await shoot(here, "de-menu", ["desk"]);
            await here.page.keyboard.press("Escape");
        }
    }
    console.log(`pictures in ${folder}`);
} catch (error) {
    let number = 0;
    for (const context of browser.contexts()) {
        for (const page of context.pages()) await page.screenshot({ path: join(folder, `failed-${++number}.png`) });
    }
    throw error;
} finally {
    await browser.close();
    await server.dispose();
}
