// How the client is built: one page, one hand-written service worker at a fixed address, everything else under /assets with a content hash.
import { createHash } from "node:crypto";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Writes the list of built assets into the service worker, so that it knows which cached files are still of use. */
function listAssetsInServiceWorker(): Plugin {
    return {
        name: "rohrpost-service-worker-assets",
        enforce: "post",
        generateBundle(_options, bundle) {
            const names = Object.keys(bundle)
                .filter((name) => name.startsWith("assets/"))
                .toSorted();
            const worker = bundle["sw.js"];
            if (worker?.type !== "chunk") throw new Error("the service worker was not built");
            const before = worker.code;
            worker.code = before.replace(/["'`]@@ASSETS@@["'`]/, () => JSON.stringify(names));
            if (worker.code === before) throw new Error("the service worker has no place for its list of assets");
            worker.code += `\n// ${createHash("sha256").update(names.join()).digest("hex").slice(0, 16)}\n`;
        },
    };
}

export default defineConfig({
    plugins: [react(), listAssetsInServiceWorker()],
    // The crypto WASM is fetched by its own glue relative to its module; pre-bundling would move it away.
    optimizeDeps: { exclude: ["@matrix-org/matrix-sdk-crypto-wasm"] },
    build: {
        target: "es2023",
        // Fonts and pictures stay files: they are cached for good, and the policy needs no data: addresses for them.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 1500,
        rolldownOptions: {
            input: { main: "index.html", sw: "src/sw/sw.ts" },
            output: {
                entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
            },
        },
    },
    server: { proxy: { "/_matrix": "http://127.0.0.1:8008", "/_rohrpost": "http://127.0.0.1:8008" } },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
