// What is being written: the draft, the message it answers or changes, files on their way.
import { MsgType, RelationType, type MatrixClient } from "matrix-js-sdk";
import type { RoomMessageEventContent } from "matrix-js-sdk/lib/@types/events.js";
import type { MessageId } from "../app/i18n.tsx";
import { isShownPicture, readPicture, uploadEncrypted } from "../matrix/attachments.ts";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import type { Preview } from "./preview.ts";
import type { MessageItem } from "./timeline-items.ts";
import { ViewModel } from "./view-model.ts";

export interface Upload {
    readonly id: number;
    readonly name: string;
    readonly share: number;
    readonly error: MessageId | null;
}

export interface ComposerSnapshot {
    readonly text: string;
    readonly replyTo: { readonly eventId: string; readonly senderName: string; readonly preview: Preview } | null;
    readonly editing: string | null;
    readonly uploads: readonly Upload[];
}

const TYPING_MS = 20_000;
// Drafts live as long as the page: leaving a room and coming back must not cost a half-written answer.
const drafts = new Map<string, string>();

export class ComposerVm extends ViewModel<ComposerSnapshot> {
    readonly #client: MatrixClient;
    readonly #roomId: string;
    readonly #files = new Map<number, File>();
    #nextUpload = 1;
    #typingSince = 0;

    constructor(engine: Engine, roomId: string) {
        super({ text: drafts.get(roomId) ?? "", replyTo: null, editing: null, uploads: [] });
        this.#client = engine.client;
        this.#roomId = roomId;
        this.onDispose(() => this.#stopTyping());
    }

    readonly setText = (text: string): void => {
        this.update({ text });
        if (!this.getSnapshot().editing) drafts.set(this.#roomId, text);
        if (text.trim() === "") this.#stopTyping();
        else if (Date.now() - this.#typingSince > TYPING_MS / 2) {
            this.#typingSince = Date.now();
            void this.#client.sendTyping(this.#roomId, true, TYPING_MS).catch(() => undefined);
        }
    };

    #stopTyping(): void {
        if (this.#typingSince === 0) return;
        this.#typingSince = 0;
        void this.#client.sendTyping(this.#roomId, false, 0).catch(() => undefined);
    }

    readonly replyTo = (message: MessageItem): void => {
        const preview: Preview =
            message.body.kind === "text"
                ? { kind: "text", text: message.body.text }
                : message.body.kind === "image" || message.body.kind === "file"
                  ? { kind: message.body.kind, name: message.body.media.name }
                  : { kind: message.body.kind === "locked" ? "locked" : "deleted" };
        this.update({ replyTo: { eventId: message.eventId, senderName: message.senderName, preview }, ...this.#leaveEditing() });
    };

    readonly edit = (message: MessageItem): void => {
        if (message.body.kind === "text") this.update({ editing: message.eventId, text: message.body.text, replyTo: null });
    };

    readonly cancelContext = (): void => this.update({ replyTo: null, ...this.#leaveEditing() });

    #leaveEditing(): Partial<ComposerSnapshot> {
        return this.getSnapshot().editing ? { editing: null, text: drafts.get(this.#roomId) ?? "" } : {};
    }

    /** Answers at once: the message is on screen before it is encrypted, and carries its own state from there. */
    readonly send = (): void => {
        const { text, replyTo, editing } = this.getSnapshot();
        const body = text.trim();
        if (body === "") return;
        const content = editing ? editContent(body, editing) : textContent(body, replyTo?.eventId ?? null);
        if (editing) this.update(this.#leaveEditing());
        else {
            drafts.delete(this.#roomId);
            this.update({ text: "", replyTo: null });
        }
        this.#stopTyping();
        // A failure shows at the message itself, with "send again".
        void this.#client.sendMessage(this.#roomId, content).catch(() => undefined);
    };

    readonly attach = (files: Iterable<File>): void => {
        for (const file of files) {
            const id = this.#nextUpload++;
            this.#files.set(id, file);
            this.update({ uploads: [...this.getSnapshot().uploads, { id, name: file.name, share: 0, error: null }] });
            void this.#upload(id, file);
        }
    };

    readonly retryUpload = (id: number): void => {
        const file = this.#files.get(id);
        if (file) void this.#upload(id, file);
    };

    readonly dropUpload = (id: number): void => {
        this.#files.delete(id);
        this.update({ uploads: this.getSnapshot().uploads.filter((upload) => upload.id !== id) });
    };

    #patchUpload(id: number, patch: Partial<Upload>): void {
        const change = (upload: Upload): Upload => Object.assign({}, upload, patch);
        this.update({ uploads: this.getSnapshot().uploads.map((upload) => (upload.id === id ? change(upload) : upload)) });
    }

    async #upload(id: number, file: File): Promise<void> {
        this.#patchUpload(id, { error: null, share: 0 });
        try {
            const content = await fileContent(this.#client, file, (share) => this.#patchUpload(id, { share }));
            if (!this.#files.has(id)) return;
            this.dropUpload(id);
            void this.#client.sendMessage(this.#roomId, content).catch(() => undefined);
        } catch (error) {
            this.#patchUpload(id, { error: errorText(error) });
        }
    }
}

function textContent(body: string, replyTo: string | null): RoomMessageEventContent {
    return {
        msgtype: MsgType.Text,
        body,
        ...(replyTo ? { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } } : {}),
    } as RoomMessageEventContent;
}

function editContent(body: string, target: string): RoomMessageEventContent {
    return {
        msgtype: MsgType.Text,
        // Clients that don't know edits show this instead.
        body: `* ${body}`,
        "m.new_content": { msgtype: MsgType.Text, body },
        "m.relates_to": { rel_type: RelationType.Replace, event_id: target },
    } as RoomMessageEventContent;
}

async function fileContent(client: MatrixClient, file: File, onProgress: (share: number) => void): Promise<RoomMessageEventContent> {
    const picture = isShownPicture(file.type) ? await readPicture(file) : null;
    const thumbnail = picture?.thumbnail ?? null;
    const thumbnailFile = thumbnail ? await uploadEncrypted(client, thumbnail) : null;
    const encrypted = await uploadEncrypted(client, file, onProgress);
    return {
        msgtype: picture ? MsgType.Image : MsgType.File,
        body: file.name,
        filename: file.name,
        file: encrypted,
        info: {
            mimetype: file.type || "application/octet-stream",
            size: file.size,
            ...(picture ? { w: picture.width, h: picture.height } : {}),
            ...(thumbnail && thumbnailFile ? { thumbnail_file: thumbnailFile, thumbnail_info: { mimetype: thumbnail.type, size: thumbnail.size } } : {}),
        },
    } as unknown as RoomMessageEventContent;
}

