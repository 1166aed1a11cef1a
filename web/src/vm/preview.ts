// A message in one line: for the room list, for the quote above a reply, for the spoken announcement.
import { EventType, MsgType, RelationType, type MatrixEvent } from "matrix-js-sdk";

export type Preview =
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "image" | "file" | "audio" | "video"; readonly name: string }
    | { readonly kind: "locked" | "deleted" | "unsupported" | "unlocking" };

const FILE_KINDS: Readonly<Record<string, "image" | "file" | "audio" | "video">> = {
    [MsgType.Image]: "image",
    [MsgType.File]: "file",
    [MsgType.Audio]: "audio",
    [MsgType.Video]: "video",
};

/** Is this event a message of its own (not an edit of another, not a reaction, not a change of the room)? */
export function isMessage(event: MatrixEvent): boolean {
    const type = event.getType();
    // A redacted message that was encrypted keeps its outer type.
    if (event.isRedacted()) return type === EventType.RoomMessage || type === EventType.RoomMessageEncrypted || type === EventType.Sticker;
    if (type !== EventType.RoomMessage && type !== EventType.RoomMessageEncrypted && type !== EventType.Sticker) return false;
    return !event.isRelation(RelationType.Replace) && !event.isRelation(RelationType.Annotation);
}

/** Replies of older clients repeat the quoted text in front of their own. */
export const withoutQuotedLines = (body: string): string => body.replace(/^(> .*\n)+\n?/, "");

export const plainString = (value: unknown): string => (typeof value === "string" ? value : "");

export function previewOf(event: MatrixEvent): Preview {
    if (event.isRedacted()) return { kind: "deleted" };
    if (event.isDecryptionFailure()) return { kind: "locked" };
    if (event.isBeingDecrypted() || event.getType() === EventType.RoomMessageEncrypted) return { kind: "unlocking" };
    const content = event.getContent();
    const body = plainString(content["body"]);
    const fileKind = FILE_KINDS[plainString(content["msgtype"])];
    if (fileKind) return { kind: fileKind, name: plainString(content["filename"]) || body };
    const isText = [MsgType.Text, MsgType.Notice, MsgType.Emote].includes(content["msgtype"] as MsgType);
    if (!isText) return body ? { kind: "text", text: body } : { kind: "unsupported" };
    return { kind: "text", text: withoutQuotedLines(body).replaceAll(/\s+/g, " ").trim() };
}
