// The list on the left: conversations by last activity, invitations on top, narrowed by filter and search.
import { ClientEvent, EventType, KnownMembership, MatrixEventEvent, NotificationCountType, RoomEvent, RoomStateEvent, type MatrixEvent, type Room } from "matrix-js-sdk";
import type { MessageId } from "../app/i18n.tsx";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import { coalesce, listen } from "./listen.ts";
import { directPartner, markAsDirect, memberName } from "./people.ts";
import { isMessage, previewOf, type Preview } from "./preview.ts";
import { ViewModel } from "./view-model.ts";

export type RoomFilter = "all" | "unread" | "people" | "rooms";

export interface RoomRow {
    readonly id: string;
    readonly name: string;
    readonly isPerson: boolean;
    /** What decides the colour of the avatar. */
    readonly seed: string;
    readonly unread: number;
    readonly time: number;
    readonly preview: Preview | null;
    /** Whose words the preview shows; null in a private chat, where it is clear. */
    readonly previewSender: string | null;
    readonly previewOwn: boolean;
}

export interface InvitationRow {
    readonly id: string;
    readonly name: string;
    readonly isPerson: boolean;
    readonly seed: string;
    readonly inviter: string;
    readonly busy: boolean;
}

export interface RoomListSnapshot {
    readonly rooms: readonly RoomRow[];
    readonly invitations: readonly InvitationRow[];
    readonly filter: RoomFilter;
    readonly search: string;
    /** Are there any conversations at all, whatever the filter says? */
    readonly empty: boolean;
    readonly totalUnread: number;
    readonly error: MessageId | null;
}

const EVENTS = [
    ClientEvent.Room,
    ClientEvent.DeleteRoom,
    ClientEvent.AccountData,
    RoomEvent.Timeline,
    RoomEvent.Receipt,
    RoomEvent.Name,
    RoomEvent.MyMembership,
    RoomEvent.UnreadNotifications,
    RoomEvent.LocalEchoUpdated,
    RoomEvent.Redaction,
    RoomStateEvent.Members,
    MatrixEventEvent.Decrypted,
] as const;

export class RoomListVm extends ViewModel<RoomListSnapshot> {
    readonly #engine: Engine;
    readonly #busy = new Set<string>();

    constructor(engine: Engine) {
        super({ rooms: [], invitations: [], filter: "all", search: "", empty: true, totalUnread: 0, error: null });
        this.#engine = engine;
        const look = coalesce(this.#refresh, 50);
        this.onDispose(listen(engine.client as never, EVENTS, look.trigger));
        this.onDispose(look.cancel);
        this.#refresh();
    }

    readonly setFilter = (filter: RoomFilter): void => {
        this.update({ filter });
        this.#refresh();
    };

    readonly setSearch = (search: string): void => {
        this.update({ search });
        this.#refresh();
    };

    /** Joins and answers the room's id, or null if that failed (the error is in the snapshot). */
    readonly accept = async (roomId: string): Promise<string | null> => {
        const { client } = this.#engine;
        const room = client.getRoom(roomId);
        const invitation = room?.getMember(client.getSafeUserId())?.events.member;
        const inviter = invitation?.getContent()["is_direct"] === true ? invitation.getSender() : undefined;
        const done = await this.#attempt(roomId, async () => {
            await client.joinRoom(roomId);
            if (inviter) await markAsDirect(client, roomId, inviter);
        });
        return done ? roomId : null;
    };

    readonly decline = async (roomId: string): Promise<void> => {
        await this.#attempt(roomId, () => this.#engine.client.leave(roomId));
    };

    async #attempt(roomId: string, act: () => Promise<unknown>): Promise<boolean> {
        this.#busy.add(roomId);
        this.update({ error: null });
        this.#refresh();
        try {
            await act();
            return true;
        } catch (error) {
            this.update({ error: errorText(error) });
            return false;
        } finally {
            this.#busy.delete(roomId);
            this.#refresh();
        }
    }

    readonly #refresh = (): void => {
        const { client } = this.#engine;
        const { filter, search } = this.getSnapshot();
        const all = client.getVisibleRooms().filter((room) => room.getType() === undefined);
        const joined = all.filter((room) => room.getMyMembership() === KnownMembership.Join).map((room) => this.#row(room));
        const invited = all.filter((room) => room.getMyMembership() === KnownMembership.Invite);
        const rooms = joined
            .filter((row) => matchesFilter(row, filter) && matchesSearch(row.name, search))
            .toSorted((one, other) => other.time - one.time);
        this.update({
            rooms,
            invitations: invited.map((room) => this.#invitation(room)),
            empty: joined.length === 0,
            totalUnread: joined.reduce((sum, row) => sum + row.unread, 0) + invited.length,
        });
    };

    #row(room: Room): RoomRow {
        const { client } = this.#engine;
        const partner = directPartner(client, room);
        const last = lastMessage(room);
        // Only what is shown is decrypted; the rest waits until its room is opened.
        if (last?.shouldAttemptDecryption()) void client.decryptEventIfNeeded(last);
        const sender = last?.getSender() ?? null;
        const own = sender === client.getUserId();
        return {
            id: room.roomId,
            name: room.name,
            isPerson: partner !== null,
            seed: partner ?? room.roomId,
            unread: room.getUnreadNotificationCount(NotificationCountType.Total),
            time: last?.getTs() ?? joinedAt(room, client.getSafeUserId()),
            preview: last ? previewOf(last) : null,
            previewSender: sender && !own && partner === null ? memberName(room, sender) : null,
            previewOwn: own,
        };
    }

    #invitation(room: Room): InvitationRow {
        const event = room.getMember(this.#engine.client.getSafeUserId())?.events.member;
        const isPerson = event?.getContent()["is_direct"] === true;
        const inviterId = event?.getSender() ?? "";
        const inviter = memberName(room, inviterId);
        return {
            id: room.roomId,
            name: isPerson ? inviter : room.name,
            isPerson,
            seed: isPerson ? inviterId : room.roomId,
            inviter,
            busy: this.#busy.has(room.roomId),
        };
    }
}

function joinedAt(room: Room, userId: string): number {
    return room.getMember(userId)?.events.member?.getTs() ?? room.currentState.getStateEvents(EventType.RoomCreate, "")?.getTs() ?? 0;
}

function lastMessage(room: Room): MatrixEvent | undefined {
    return room.getLiveTimeline().getEvents().findLast(isMessage);
}

function matchesFilter(row: RoomRow, filter: RoomFilter): boolean {
    switch (filter) {
        case "all":
            return true;
        case "unread":
            return row.unread > 0;
        case "people":
            return row.isPerson;
        case "rooms":
            return !row.isPerson;
    }
}

const fold = (text: string): string => text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLocaleLowerCase().replaceAll("ß", "ss");

export const matchesSearch = (name: string, search: string): boolean => fold(name).includes(fold(search.trim()));
