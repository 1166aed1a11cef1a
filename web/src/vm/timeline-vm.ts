// One conversation as it is read: its messages, who is writing, what has been read, and what can be done to a message.
import { ClientEvent, Direction, EventStatus, EventType, KnownMembership, MatrixEventEvent, RelationType, RoomEvent, RoomMemberEvent, RoomStateEvent, type MatrixEvent, type Room } from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { MessageId } from "../app/i18n.tsx";
import { lockedReason } from "../crypto/locked.ts";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import { coalesce, listen } from "./listen.ts";
import { directPartner, memberName } from "./people.ts";
import { isMessage, previewOf, type Preview } from "./preview.ts";
import { buildItems, type TimelineItem } from "./timeline-items.ts";
import { ViewModel } from "./view-model.ts";

export interface Announcement {
    readonly id: number;
    readonly sender: string;
    readonly preview: Preview;
}

export interface TimelineSnapshot {
    /** False once the room is gone: left on another device, removed by somebody, or a link to a room one isn't in. */
    readonly here: boolean;
    readonly name: string;
    readonly isPerson: boolean;
    readonly seed: string;
    readonly memberCount: number;
    readonly items: readonly TimelineItem[];
    readonly typing: readonly string[];
    readonly hasOlder: boolean;
    readonly loadingOlder: boolean;
    readonly announcement: Announcement | null;
    readonly error: MessageId | null;
}

const EVENTS = [
    RoomEvent.Timeline,
    RoomEvent.TimelineReset,
    RoomEvent.LocalEchoUpdated,
    RoomEvent.Receipt,
    RoomEvent.Redaction,
    RoomEvent.RedactionCancelled,
    RoomEvent.Name,
    RoomEvent.MyMembership,
    RoomStateEvent.Members,
    RoomStateEvent.Events,
    RoomMemberEvent.Typing,
    MatrixEventEvent.Decrypted,
    MatrixEventEvent.Replaced,
    ClientEvent.AccountData,
    ClientEvent.Room,
] as const;

const PAGE = 30;
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 60_000;

export class TimelineVm extends ViewModel<TimelineSnapshot> {
    readonly #engine: Engine;
    readonly #roomId: string;
    #reuse = new Map<string, { item: TimelineItem; text: string }>();
    #announced = 0;
    #lastReceipt: string | null = null;
    #retryTimer: ReturnType<typeof setTimeout> | undefined;
    #retryDelay = FIRST_RETRY_MS;

    constructor(engine: Engine, roomId: string) {
        super({
            here: true,
            name: "",
            isPerson: false,
            seed: roomId,
            memberCount: 0,
            items: [],
            typing: [],
            hasOlder: true,
            loadingOlder: false,
            announcement: null,
            error: null,
        });
        this.#engine = engine;
        this.#roomId = roomId;
        const look = coalesce(this.#refresh);
        this.onDispose(listen(engine.client as never, EVENTS, look.trigger));
        this.onDispose(listen(engine.client as never, [RoomEvent.Timeline], this.#announce as never));
        this.onDispose(listen(engine.client as never, [CryptoEvent.KeyBackupStatus, CryptoEvent.KeyBackupDecryptionKeyCached], this.#retrySoon));
        this.onDispose(look.cancel);
        this.onDispose(() => clearTimeout(this.#retryTimer));
        this.#refresh();
        void this.#open();
    }

    get #room(): Room | null {
        return this.#engine.client.getRoom(this.#roomId);
    }

    async #open(): Promise<void> {
        const room = this.#room;
        if (!room) return;
        // Lazily loaded members: names and receipts need them before the first message is encrypted.
        await room.loadMembersIfNeeded().catch(() => undefined);
        this.#engine.crypto.prepareToEncrypt(room);
        this.#refresh();
        // A first sync brings few events per room; fill the screen.
        if (room.getLiveTimeline().getEvents().filter(isMessage).length < PAGE / 2) await this.loadOlder();
    }

    readonly loadOlder = async (): Promise<void> => {
        const room = this.#room;
        if (!room || this.getSnapshot().loadingOlder || !this.getSnapshot().hasOlder) return;
        this.update({ loadingOlder: true });
        try {
            await this.#engine.client.scrollback(room, PAGE);
        } catch (error) {
            this.update({ error: errorText(error) });
        } finally {
            this.update({ loadingOlder: false });
            this.#refresh();
        }
    };

    readonly #refresh = (): void => {
        const room = this.#room;
        const { client } = this.#engine;
        if (!room || room.getMyMembership() !== KnownMembership.Join) {
            this.update({ here: false, items: [] });
            return;
        }
        const timeline = room.getLiveTimeline();
        const events = timeline.getEvents();
        for (const event of events) if (event.shouldAttemptDecryption()) void client.decryptEventIfNeeded(event);
        const myUserId = client.getSafeUserId();
        const partner = directPartner(client, room);
        this.update({
            here: true,
            name: room.name,
            isPerson: partner !== null,
            seed: partner ?? room.roomId,
            memberCount: room.getJoinedMemberCount(),
            items: this.#reuseUnchanged(buildItems(room, events, myUserId)),
            typing: room.getMembers().filter((member) => member.typing && member.userId !== myUserId).map((member) => member.name),
            hasOlder: timeline.getPaginationToken(Direction.Backward) !== null,
        });
        this.#retryLater();
    };

    /**
     * Keys can arrive late: the device that has them uploads them with a delay. The SDK asks once per message; here it is asked
     * again, less and less often, as long as somebody looks at a locked message.
     */
    #retryLater(): void {
        if (this.#retryTimer !== undefined || this.disposed || this.#locked().length === 0) return;
        this.#retryTimer = setTimeout(() => {
            this.#retryTimer = undefined;
            this.#retryDelay = Math.min(this.#retryDelay * 2, LONGEST_RETRY_MS);
            const backend = this.#engine.crypto as unknown as Parameters<MatrixEvent["attemptDecryption"]>[0];
            for (const event of this.#locked()) void event.attemptDecryption(backend, { isRetry: true });
        }, this.#retryDelay);
    }

    readonly #retrySoon = (): void => {
        clearTimeout(this.#retryTimer);
        this.#retryTimer = undefined;
        this.#retryDelay = FIRST_RETRY_MS;
        this.#retryLater();
    };

    #locked(): MatrixEvent[] {
        const events = this.#room?.getLiveTimeline().getEvents() ?? [];
        return events.filter((event) => {
            const reason = event.isDecryptionFailure() && !event.isRedacted() ? lockedReason(event.decryptionFailureReason) : null;
            return reason === "unlocking" || reason === "needsKey";
        });
    }

    /** Rows that didn't change keep their object, so that React passes over them. */
    #reuseUnchanged(items: TimelineItem[]): TimelineItem[] {
        const next = new Map<string, { item: TimelineItem; text: string }>();
        const result = items.map((item) => {
            const text = JSON.stringify(item);
            const known = this.#reuse.get(item.key);
            const kept = known?.text === text ? known : { item, text };
            next.set(item.key, kept);
            return kept.item;
        });
        this.#reuse = next;
        return result;
    }

    /** Speaks new messages of others once, when they arrive live; never while older ones are loaded. */
    readonly #announce = (event: MatrixEvent, room: Room | undefined, toStart: boolean | undefined): void => {
        if (toStart || room?.roomId !== this.#roomId || event.getSender() === this.#engine.client.getUserId()) return;
        const say = () => {
            if (!isMessage(event) || event.isRedacted()) return;
            const sender = memberName(room, event.getSender() ?? "");
            this.update({ announcement: { id: ++this.#announced, sender, preview: previewOf(event) } });
        };
        if (event.isBeingDecrypted() || event.shouldAttemptDecryption()) event.once(MatrixEventEvent.Decrypted, say);
        else say();
    };

    /** The newest message was on screen in a visible window. */
    readonly markRead = (): void => {
        const room = this.#room;
        const last = room?.getLiveTimeline().getEvents().findLast((event) => event.status === null);
        const id = last?.getId();
        if (!room || !last || !id || id === this.#lastReceipt) return;
        this.#lastReceipt = id;
        // A receipt that doesn't get through is sent with the next message.
        void this.#engine.client.sendReadReceipt(last).catch(() => (this.#lastReceipt = null));
    };

    readonly #attempt = async (act: () => Promise<unknown>): Promise<void> => {
        this.update({ error: null });
        try {
            await act();
        } catch (error) {
            this.update({ error: errorText(error) });
        }
    };

    readonly dismissError = (): void => this.update({ error: null });

    readonly toggleReaction = (eventId: string, emoji: string): Promise<void> =>
        this.#attempt(async () => {
            const item = this.getSnapshot().items.find((one) => one.kind === "message" && one.eventId === eventId);
            const own = item?.kind === "message" ? item.reactions.find((reaction) => reaction.emoji === emoji)?.ownEventId : null;
            if (own) await this.#engine.client.redactEvent(this.#roomId, own);
            else {
                await this.#engine.client.sendEvent(this.#roomId, EventType.Reaction, {
                    "m.relates_to": { rel_type: RelationType.Annotation, event_id: eventId, key: emoji },
                });
            }
        });

    readonly deleteMessage = (eventId: string): Promise<void> =>
        this.#attempt(() => this.#engine.client.redactEvent(this.#roomId, eventId));

    #failed(eventId: string): MatrixEvent | null {
        const event = this.#room?.findEventById(eventId) ?? this.#room?.getLiveTimeline().getEvents().find((one) => one.getId() === eventId);
        return event?.status === EventStatus.NOT_SENT ? event : null;
    }

    readonly retry = (eventId: string): Promise<void> =>
        this.#attempt(async () => {
            const event = this.#failed(eventId);
            if (event && this.#room) await this.#engine.client.resendEvent(event, this.#room);
        });

    readonly discard = (eventId: string): void => {
        const event = this.#failed(eventId);
        if (event) this.#engine.client.cancelPendingEvent(event);
    };
}
