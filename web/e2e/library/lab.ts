// What every test with matrix-js-sdk as a plain library needs: a server that lets programs in, and bots.
import { test } from "node:test";
import { format } from "node:util";
import { TestServer, type Wanted } from "../server.ts";
import { Bot } from "./bot.ts";

const WAIT_MS = 60_000;
const LOOKED_AT_EVERY_MS = 20;

// What the library says about itself is shown when something fails, and no part of a result otherwise.
const SAID_LINES = 40;
const said: string[] = [];
for (const level of ["trace", "debug", "info", "warn", "error"] as const) {
    console[level] = (...parts: unknown[]) => {
        said.push(format(...parts));
        if (said.length > SAID_LINES) said.shift();
    };
}

export interface Lab {
    readonly server: TestServer;
    /** An account with a first device. */
    register(name: string): Promise<Bot>;
    /** Another device of somebody. */
    logIn(name: string): Promise<Bot>;
}

/** One test with its own server. */
export function scenario(name: string, wanted: Wanted, run: (lab: Lab) => Promise<void>): void {
    test(name, async () => {
        const bots: Bot[] = [];
        const server = await TestServer.start({ registration: "open", ...wanted });
        const kept = async (made: Promise<Bot>): Promise<Bot> => {
            const bot = await made;
            bots.push(bot);
            return bot;
        };
        try {
            await run({
                server,
                register: (user) => kept(Bot.register(server.url, user)),
                logIn: (user) => kept(Bot.logIn(server.url, user)),
            });
            const bug = server.output.split("\n").find((line) => line.includes(" ERROR ") || line.includes("panicked at"));
            if (bug) throw new Error(`the server reports a bug: ${bug}`);
        } catch (error) {
            console.log([...said, ...server.output.split("\n").slice(-15)].join("\n"));
            throw error;
        } finally {
            for (const bot of bots) bot.stop();
            await server.dispose();
        }
    });
}

/** Waits until something holds, which can only be asked for again and again. */
export async function eventually<T>(what: string, ask: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
        const found = await ask();
        if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
        if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
        await new Promise((resolve) => setTimeout(resolve, LOOKED_AT_EVERY_MS));
    }
}
