// From the SDK's events to what is on screen: day separators, messages in groups, notices in plain words.
import { EventStatus, EventType, KnownMembership, MsgType, RelationType, type MatrixEvent, type Room } from "matrix-js-sdk";
import type { MessageId } from "../app/i18n.tsx";
import { lockedReason, type LockedReason } from "../crypto/locked.ts";
import type { EncryptedFile } from "../matrix/attachments.ts";
import { memberName } from "./people.ts";
import { isMessage, plainString, previewOf, withoutQuotedLines, type Preview } from "./preview.ts";

export interface MediaInfo {
    readonly name: string;
    readonly type: string;
    readonly size: number | null;
    readonly width: number | null;
    readonly height: number | null;
    readonly file: EncryptedFile | null;
    readonly thumbnail: EncryptedFile | null;
}

export type MessageBody =
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "image" | "file"; readonly media: MediaInfo }
    | { readonly kind: "locked"; readonly reason: LockedReason }
    | { readonly kind: "deleted" | "unsupported" };

export interface Reaction {
    readonly emoji: string;
    readonly names: readonly string[];
    /** Our own reaction event, to take it back. */
    readonly ownEventId: string | null;
}

export type SendState = "sending" | "failed" | "sent" | "read";

export interface MessageItem {
    readonly kind: "message";
    readonly key: string;
    readonly eventId: string;
    readonly senderId: string;
    readonly senderName: string;
    readonly own: boolean;
    readonly time: number;
    /** First and last of a run of messages by one person. */
    readonly first: boolean;
    readonly last: boolean;
    readonly body: MessageBody;
    readonly edited: boolean;
    readonly reply: { readonly eventId: string; readonly senderName: string; readonly preview: Preview } | null;
    readonly reactions: readonly Reaction[];
    readonly state: SendState;
    readonly canEdit: boolean;
    readonly canDelete: boolean;
}

export interface NoticeItem {
    readonly kind: "notice";
    readonly key: string;
    readonly text: MessageId;
    readonly values: Readonly<Record<string, string>>;
}

export interface DayItem {
    readonly kind: "day";
    readonly key: string;
    readonly time: number;
}

export type TimelineItem = MessageItem | NoticeItem | DayItem;

/** Messages of one person closer together than this belong to one group. */
const GROUP_GAP_MS = 5 * 60_000;

// A local echo changes its id when the server answers; the event object stays the same, so it carries the row's identity.
const rowKeys = new WeakMap<MatrixEvent, string>();
let nextKey = 1;
function rowKey(event: MatrixEvent): string {
    const known = rowKeys.get(event);
    if (known) return known;
    const key = `row-${nextKey++}`;
    rowKeys.set(event, key);
    return key;
}

export function buildItems(room: Room, events: readonly MatrixEvent[], myUserId: string): TimelineItem[] {
    const items: TimelineItem[] = [];
    const readUpTo = lastReadByOthers(room, events, myUserId);
    let lastDay = "";
    events.forEach((event, index) => {
        const item = isMessage(event) ? messageItem(room, event, myUserId, index <= readUpTo) : noticeItem(room, event);
        if (!item) return;
        const time = event.getTs();
        const day = new Date(time).toDateString();
        if (day !== lastDay) items.push({ kind: "day", key: `day-${day}`, time: startOfDay(time) });
        lastDay = day;
        items.push(item);
    });
    return groupMessages(items);
}

function startOfDay(time: number): number {
    const date = new Date(time);
    date.setHours(0, 0, 0, 0);
    return date.getTime();
}

/** Marks where a run of messages by one person begins and ends. */
export function groupMessages(items: readonly TimelineItem[]): TimelineItem[] {
    const joined = (one: TimelineItem | undefined, next: TimelineItem | undefined): boolean =>
        one?.kind === "message" &&
        next?.kind === "message" &&
        one.senderId === next.senderId &&
        next.time - one.time < GROUP_GAP_MS;
    return items.map((item, index) =>
        item.kind === "message"
            ? { ...item, first: !joined(items[index - 1], item), last: !joined(item, items[index + 1]) }
            : item,
    );
}

function lastReadByOthers(room: Room, events: readonly MatrixEvent[], myUserId: string): number {
    const read = new Set<string>();
    for (const member of room.getJoinedMembers()) {
        const eventId = member.userId === myUserId ? null : room.getEventReadUpTo(member.userId);
        if (eventId) read.add(eventId);
    }
    return events.findLastIndex((event) => read.has(event.getId() ?? ""));
}

function sendState(event: MatrixEvent, read: boolean): SendState {
    switch (event.status) {
        case EventStatus.NOT_SENT:
        case EventStatus.CANCELLED:
            return "failed";
        case EventStatus.SENDING:
        case EventStatus.QUEUED:
        case EventStatus.ENCRYPTING:
            return "sending";
        default:
            return read ? "read" : "sent";
    }
}

function messageItem(room: Room, event: MatrixEvent, myUserId: string, read: boolean): MessageItem {
    const senderId = event.getSender() ?? "";
    const own = senderId === myUserId;
    const body = bodyOf(event);
    const state = sendState(event, read);
    const sent = state === "sent" || state === "read";
    return {
        kind: "message",
        key: rowKey(event),
        eventId: event.getId() ?? "",
        senderId,
        senderName: memberName(room, senderId),
        own,
        time: event.getTs(),
        first: true,
        last: true,
        body,
        edited: body.kind === "text" && event.replacingEventId() !== undefined,
        reply: replyOf(room, event),
        reactions: event.isRedacted() ? [] : reactionsOf(room, event, myUserId),
        state,
        canEdit: own && sent && body.kind === "text",
        canDelete: sent && body.kind !== "deleted" && room.currentState.maySendRedactionForEvent(event, myUserId),
    };
}

function bodyOf(event: MatrixEvent): MessageBody {
    if (event.isRedacted()) return { kind: "deleted" };
    if (event.isDecryptionFailure()) return { kind: "locked", reason: lockedReason(event.decryptionFailureReason) };
    if (event.getType() === EventType.RoomMessageEncrypted) return { kind: "locked", reason: "unlocking" };
    const content = event.getContent();
    const body = plainString(content["body"]);
    switch (content["msgtype"]) {
        case MsgType.Text:
        case MsgType.Notice:
        case MsgType.Emote:
            return { kind: "text", text: replyTarget(event) ? withoutQuotedLines(body) : body };
        case MsgType.Image:
            return { kind: "image", media: mediaOf(content) };
        case MsgType.File:
        case MsgType.Audio:
        case MsgType.Video:
            return { kind: "file", media: mediaOf(content) };
        default:
            return body ? { kind: "text", text: body } : { kind: "unsupported" };
    }
}

const positive = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);

function mediaOf(content: Record<string, unknown>): MediaInfo {
    const info = (content["info"] ?? {}) as Record<string, unknown>;
    return {
        name: plainString(content["filename"]) || plainString(content["body"]),
        type: plainString(info["mimetype"]) || "application/octet-stream",
        size: positive(info["size"]),
        width: positive(info["w"]),
        height: positive(info["h"]),
        file: (content["file"] as EncryptedFile | undefined) ?? null,
        thumbnail: (info["thumbnail_file"] as EncryptedFile | undefined) ?? null,
    };
}

/** The id of the message this one answers. */
export function replyTarget(event: MatrixEvent): string | null {
    const relation = (event.getOriginalContent()["m.relates_to"] ?? event.getWireContent()["m.relates_to"]) as
        | { "m.in_reply_to"?: { event_id?: string } }
        | undefined;
    return relation?.["m.in_reply_to"]?.event_id ?? null;
}

function replyOf(room: Room, event: MatrixEvent): MessageItem["reply"] {
    const targetId = event.isRedacted() ? null : replyTarget(event);
    if (!targetId) return null;
    const target = room.findEventById(targetId);
    if (!target) return { eventId: targetId, senderName: "", preview: { kind: "unsupported" } };
    return { eventId: targetId, senderName: memberName(room, target.getSender() ?? ""), preview: previewOf(target) };
}

function reactionsOf(room: Room, event: MatrixEvent, myUserId: string): Reaction[] {
    const relations = room.relations.getChildEventsForEvent(event.getId() ?? "", RelationType.Annotation, EventType.Reaction);
    return (relations?.getSortedAnnotationsByKey() ?? []).flatMap(([emoji, events]) => {
        // One voice per person, however often a client sent it.
        const bySender = new Map([...events].filter((one) => !one.isRedacted()).map((one) => [one.getSender() ?? "", one]));
        if (bySender.size === 0) return [];
        const names = [...bySender.keys()].map((userId) => memberName(room, userId));
        return [{ emoji, names, ownEventId: bySender.get(myUserId)?.getId() ?? null }];
    });
}

function noticeItem(room: Room, event: MatrixEvent): NoticeItem | null {
    const actor = memberName(room, event.getSender() ?? "");
    const notice = (text: MessageId, values: Record<string, string> = {}): NoticeItem => ({
        kind: "notice",
        key: rowKey(event),
        text,
        values: { actor, ...values },
    });
    switch (event.getType()) {
        case EventType.RoomCreate:
            return notice("notice_created");
        case EventType.RoomEncryption:
            return notice("notice_protected");
        case EventType.RoomName: {
            // The name given at creation is the room's first name, not a change of it.
            const name = plainString(event.getContent()["name"]);
            return event.getPrevContent()["name"] === undefined ? null : notice("notice_renamed", { name });
        }
        case EventType.RoomTopic: {
            const topic = plainString(event.getContent()["topic"]);
            return event.getPrevContent()["topic"] === undefined ? null : notice("notice_topic", { topic });
        }
        case EventType.RoomMember:
            return membershipNotice(room, event, notice);
        default:
            return null;
    }
}

function membershipNotice(
    room: Room,
    event: MatrixEvent,
    notice: (text: MessageId, values: Record<string, string>) => NoticeItem,
): NoticeItem | null {
    const userId = event.getStateKey() ?? "";
    const before = event.getPrevContent()["membership"] as string | undefined;
    const now = event.getContent()["membership"] as string | undefined;
    const person = memberName(room, userId);
    const self = event.getSender() === userId;
    if (now === before) return null;
    switch (now) {
        case KnownMembership.Join:
            return userId === room.getCreator() ? null : notice("notice_joined", { person });
        case KnownMembership.Invite:
            return notice("notice_invited", { person });
        case KnownMembership.Ban:
            return notice("notice_banned", { person });
        case KnownMembership.Leave:
            if (before === KnownMembership.Invite) return notice(self ? "notice_declined" : "notice_uninvited", { person });
            return notice(self ? "notice_left" : "notice_removed", { person });
        default:
            return null;
    }
}
