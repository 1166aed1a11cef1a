// A picture or file inside a message: fetched and decrypted when it is needed, shown from memory, saved on request.
import { downloadDecrypted, isShownPicture, type EncryptedFile } from "../matrix/attachments.ts";
import type { Engine } from "../matrix/engine.ts";
import type { MediaInfo } from "./timeline-items.ts";
import { ViewModel } from "./view-model.ts";

export interface AttachmentSnapshot {
    readonly state: "idle" | "loading" | "ready" | "failed";
    readonly url: string | null;
}

// Object addresses of pictures already decrypted, so that scrolling back doesn't fetch them again.
const MOST_KEPT = 60;
const kept = new Map<string, string>();

function keep(mxc: string, url: string): void {
    kept.set(mxc, url);
    const oldest = kept.keys().next();
    if (kept.size <= MOST_KEPT || oldest.done) return;
    URL.revokeObjectURL(kept.get(oldest.value) ?? "");
    kept.delete(oldest.value);
}

export class AttachmentVm extends ViewModel<AttachmentSnapshot> {
    readonly #engine: Engine;
    readonly #media: MediaInfo;

    constructor(engine: Engine, media: MediaInfo) {
        super({ state: "idle", url: null });
        this.#engine = engine;
        this.#media = media;
    }

    /** The small picture if there is one, the picture itself otherwise. */
    readonly showSmall = (): Promise<void> => this.#show(this.#media.thumbnail ?? this.#media.file, this.#media.thumbnail ? "image/jpeg" : this.#media.type);

    readonly showFull = (): Promise<void> => this.#show(this.#media.file, this.#media.type);

    async #show(file: EncryptedFile | null, type: string): Promise<void> {
        if (!file || !isShownPicture(type)) {
            this.update({ state: "failed" });
            return;
        }
        const known = kept.get(file.url);
        if (known) {
            this.update({ state: "ready", url: known });
            return;
        }
        this.update({ state: "loading" });
        try {
            const url = URL.createObjectURL(await downloadDecrypted(this.#engine.client, file, type));
            keep(file.url, url);
            this.update({ state: "ready", url });
        } catch {
            this.update({ state: "failed" });
        }
    }

    readonly save = async (): Promise<void> => {
        const { file, name } = this.#media;
        if (!file) return;
        this.update({ state: "loading" });
        try {
            // Always as bytes without a type: the browser must not open a foreign page inside our origin.
            const url = URL.createObjectURL(await downloadDecrypted(this.#engine.client, file, "application/octet-stream"));
            const link = document.createElement("a");
            link.href = url;
            link.download = name;
            link.click();
            setTimeout(() => URL.revokeObjectURL(url), 60_000);
            this.update({ state: "ready" });
        } catch {
            this.update({ state: "failed" });
        }
    };
}
