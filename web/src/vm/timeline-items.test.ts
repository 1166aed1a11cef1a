import { describe, expect, it } from "vitest";
import { groupMessages, type MessageItem, type TimelineItem } from "./timeline-items.ts";

const message = (senderId: string, time: number): MessageItem => ({
    kind: "message",
    key: `${senderId}-${time}`,
    eventId: `$${time}`,
    senderId,
    senderName: senderId,
    own: false,
    time,
    first: false,
    last: false,
    body: { kind: "text", text: "…" },
    edited: false,
    reply: null,
    reactions: [],
    state: "sent",
    canEdit: false,
    canDelete: false,
});

const marks = (items: TimelineItem[]) => items.map((item) => (item.kind === "message" ? `${item.first ? "(" : ""}${item.last ? ")" : ""}` : item.kind));

describe("groups of messages", () => {
    it("join what one person writes in a row", () => {
        expect(marks(groupMessages([message("a", 0), message("a", 1000), message("a", 2000)]))).toEqual(["(", "", ")"]);
    });
    it("end when somebody else writes", () => {
        expect(marks(groupMessages([message("a", 0), message("b", 1000), message("a", 2000)]))).toEqual(["()", "()", "()"]);
    });
    it("end after five minutes", () => {
        expect(marks(groupMessages([message("a", 0), message("a", 5 * 60_000)]))).toEqual(["()", "()"]);
    });
    it("end at a notice or a new day", () => {
        const day: TimelineItem = { kind: "day", key: "d", time: 0 };
        expect(marks(groupMessages([message("a", 0), day, message("a", 1)]))).toEqual(["()", "day", "()"]);
    });
});
