// What every test needs: a server, a browser, and pictures of all devices when something fails.
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { Person } from "./person.ts";
import { TestServer } from "./server.ts";
import type { Language } from "./text.ts";

export interface Lab {
    readonly server: TestServer;
    open(options?: BrowserContextOptions & { language?: Language }): Promise<Person>;
}

let browser: Browser;
before(async () => {
    browser = await launchBrowser();
});
after(() => browser?.close());

/** One test with its own server. Fails also if any page broke its policy, asked another origin or threw an error. */
export function scenario(name: string, run: (lab: Lab) => Promise<void>): void {
    test(name, async () => {
        const people: Person[] = [];
        const server = await TestServer.start();
        try {
            await run({
                server,
                open: async (options) => {
                    const person = await Person.open(browser, server.url, options);
                    people.push(person);
                    return person;
                },
            });
            const complaints = people.flatMap((person) => person.device.complaints);
            if (complaints.length > 0) throw new Error(complaints.join("\n"));
        } catch (error) {
            for (const [index, person] of people.entries()) {
                const path = await person.device.screenshot(`${name}-${index + 1}`).catch(() => null);
                if (path) console.log(`screenshot: ${path}`);
                for (const complaint of person.device.complaints) console.log(`device ${index + 1}: ${complaint}`);
            }
            console.log(server.output.split("\n").slice(-15).join("\n"));
            throw error;
        } finally {
            for (const person of people) await person.device.close().catch(() => undefined);
            await server.dispose();
        }
    });
}
