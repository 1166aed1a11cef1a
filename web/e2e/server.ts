// Starts the server under test: a fresh data folder, free loopback ports, the configuration an operator would write. Ends it by its
// process id, and can start it again on the same data.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_MS = 60_000;
const STOP_MS = 15_000;

async function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const probe = createServer();
        probe.once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const address = probe.address();
            probe.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
        });
    });
}

/** What a test wants to be different from a server for invited people. */
export interface Wanted {
    readonly registration?: "invite" | "open";
    readonly encryption?: "required" | "default" | "optional";
}

export class TestServer {
    readonly url: string;
    readonly folder: string;
    readonly dataDir: string;
    readonly #binary: string;
    #process: ChildProcess | null = null;
    #output = "";

    private constructor(binary: string, folder: string, port: number) {
        this.#binary = binary;
        this.folder = folder;
        this.dataDir = join(folder, "data");
        this.url = `http://127.0.0.1:${port}`;
    }

    static async start({ registration = "invite", encryption }: Wanted = {}): Promise<TestServer> {
        const binary = process.env["ROHRPOST_BIN"];
        if (!binary) throw new Error("set ROHRPOST_BIN to the server's binary");
        const folder = await mkdtemp(join(tmpdir(), "rohrpost-e2e-"));
        const port = await freePort();
        const server = new TestServer(binary, folder, port);
        await writeFile(
            join(folder, "rohrpost.toml"),
            [
                "[server]",
                'name = "localhost"',
                `public_url = "${server.url}"`,
                `data_dir = "${server.dataDir}"`,
                "[listen]",
                `client = ["127.0.0.1:${port}"]`,
                "[database]",
                `url = "sqlite:${join(server.dataDir, "rohrpost.db")}"`,
                "[registration]",
                `mode = "${registration}"`,
                ...(encryption ? ["[policy]", `encryption = "${encryption}"`] : []),
                // Many people sign in from one address within seconds.
                "[limits]",
                "enabled = false",
                "[federation]",
                'mode = "off"',
                "",
            ].join("\n"),
        );
        await server.run();
        return server;
    }

    async run(): Promise<void> {
        const child = spawn(this.#binary, ["--config", join(this.folder, "rohrpost.toml"), "serve"], { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
        this.#process = child;
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
        const deadline = Date.now() + START_MS;
        for (;;) {
            if (child.exitCode !== null) throw new Error(`the server ended at once:\n${this.#output}`);
            if (Date.now() > deadline) throw new Error(`the server did not become ready:\n${this.#output}`);
            const healthy = await fetch(`${this.url}/health`).then(
                (response) => response.ok,
                () => false,
            );
            if (healthy) return;
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }

    /** The link that makes the first administrator, as printed for the operator. */
    async oneTimeLink(): Promise<string> {
        const deadline = Date.now() + START_MS;
        for (;;) {
            const link = /https?:\/\/\S+\/#\/invite\/\S+/.exec(this.#output)?.[0];
            if (link) return link;
            if (Date.now() > deadline) throw new Error(`no one-time link was printed:\n${this.#output}`);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }

    /** What an operator does: SIGTERM, and it ends by itself. */
    async stop(): Promise<void> {
        const child = this.#process;
        this.#process = null;
        if (!child || child.exitCode !== null) return;
        const ended = new Promise<boolean>((resolve) => child.once("exit", () => resolve(true)));
        child.kill("SIGTERM");
        const timer = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), STOP_MS));
        if (!(await Promise.race([ended, timer]))) {
            child.kill("SIGKILL");
            throw new Error("the server did not stop on SIGTERM");
        }
    }

    /** Every file below the data folder that holds the text, read as bytes. */
    async filesContaining(text: string): Promise<string[]> {
        const found: string[] = [];
        const needle = Buffer.from(text);
        for (const entry of await readdir(this.dataDir, { recursive: true, withFileTypes: true })) {
            const path = join(entry.parentPath, entry.name);
            if (entry.isFile() && (await readFile(path)).includes(needle)) found.push(path);
        }
        return found;
    }

    async dispose(): Promise<void> {
        await this.stop().catch(() => undefined);
        await rm(this.folder, { recursive: true, force: true });
    }

    get output(): string {
        return this.#output;
    }
}
