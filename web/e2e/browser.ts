// Chromium for the tests: one process, one isolated profile per device.
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";

const ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Tests look at several devices at once; a window in the background must not be put to sleep.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
];
const PATIENCE_MS = 30_000;

export const launchBrowser = (): Promise<Browser> =>
    chromium.launch({ executablePath: process.env["CHROMIUM_BIN"] ?? "/usr/bin/chromium", headless: true, args: ARGUMENTS });

/** Every request to another origin and every complaint of the page's policy is a failure of the test that opened the device. */
export class Device {
    readonly context: BrowserContext;
    readonly page: Page;
    readonly complaints: string[] = [];

    private constructor(context: BrowserContext, page: Page, origin: string) {
        this.context = context;
        this.page = page;
        page.setDefaultTimeout(PATIENCE_MS);
        page.on("pageerror", (error) => this.complaints.push(`error in the page: ${error.message}`));
        page.on("console", (message) => {
            if (/content security policy|trusted ?types?|trustedscript/i.test(message.text())) this.complaints.push(message.text());
        });
        context.on("request", (request) => {
            const url = new URL(request.url());
            if (url.protocol.startsWith("http") && url.origin !== origin) this.complaints.push(`request to ${url.origin}`);
        });
    }

    static async open(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Device> {
        const context = await browser.newContext({ locale: "de-DE", viewport: { width: 1280, height: 800 }, ...options });
        await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
        return new Device(context, await context.newPage(), origin);
    }

    async screenshot(name: string): Promise<string> {
        const folder = join(tmpdir(), "rohrpost-e2e-failures");
        await mkdir(folder, { recursive: true });
        const path = join(folder, `${name.replaceAll(/[^\w-]+/g, "-")}.png`);
        await this.page.screenshot({ path });
        return path;
    }

    close(): Promise<void> {
        return this.context.close();
    }
}
