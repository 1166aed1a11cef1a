// Who is in a room, and what one may change about it.
import { EventType, KnownMembership, RoomEvent, RoomStateEvent, type Room } from "matrix-js-sdk";
import type { MessageId } from "../app/i18n.tsx";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import { coalesce, listen } from "./listen.ts";
import { directPartner, memberName } from "./people.ts";
import { ViewModel } from "./view-model.ts";

export interface MemberRow {
    readonly userId: string;
    readonly name: string;
    readonly role: "owner" | "moderator" | "member";
    readonly invited: boolean;
    readonly self: boolean;
    readonly canRemove: boolean;
}

export interface RoomDetailsSnapshot {
    readonly name: string;
    readonly topic: string;
    readonly isPerson: boolean;
    readonly members: readonly MemberRow[];
    readonly canRename: boolean;
    readonly canInvite: boolean;
    readonly busy: boolean;
    readonly error: MessageId | null;
}

export class RoomDetailsVm extends ViewModel<RoomDetailsSnapshot> {
    readonly #engine: Engine;
    readonly #roomId: string;

    constructor(engine: Engine, roomId: string) {
        super({ name: "", topic: "", isPerson: false, members: [], canRename: false, canInvite: false, busy: false, error: null });
        this.#engine = engine;
        this.#roomId = roomId;
        const look = coalesce(this.#refresh, 50);
        this.onDispose(listen(engine.client as never, [RoomEvent.Name, RoomStateEvent.Events, RoomStateEvent.Members], look.trigger));
        this.onDispose(look.cancel);
        this.#refresh();
    }

    get #room(): Room | null {
        return this.#engine.client.getRoom(this.#roomId);
    }

    readonly #refresh = (): void => {
        const room = this.#room;
        if (!room) return;
        const { client } = this.#engine;
        const me = client.getSafeUserId();
        const isPerson = directPartner(client, room) !== null;
        const state = room.currentState;
        const myLevel = room.getMember(me)?.powerLevel ?? 0;
        const kickLevel = (state.getStateEvents(EventType.RoomPowerLevels, "")?.getContent()["kick"] as number | undefined) ?? 50;
        const members = room
            .getMembers()
            .filter((member) => member.membership === KnownMembership.Join || member.membership === KnownMembership.Invite)
            .map((member): MemberRow => ({
                userId: member.userId,
                name: memberName(room, member.userId),
                role: member.powerLevel >= 100 ? "owner" : member.powerLevel >= 50 ? "moderator" : "member",
                invited: member.membership === KnownMembership.Invite,
                self: member.userId === me,
                canRemove: !isPerson && member.userId !== me && myLevel >= kickLevel && myLevel > member.powerLevel,
            }))
            .toSorted((one, other) => Number(one.invited) - Number(other.invited) || one.name.localeCompare(other.name));
        this.update({
            name: room.name,
            topic: (state.getStateEvents(EventType.RoomTopic, "")?.getContent()["topic"] as string | undefined) ?? "",
            isPerson,
            members,
            canRename: !isPerson && state.maySendStateEvent(EventType.RoomName, me),
            canInvite: !isPerson && room.canInvite(me),
        });
    };

    async #attempt(act: () => Promise<unknown>): Promise<boolean> {
        this.update({ busy: true, error: null });
        try {
            await act();
            return true;
        } catch (error) {
            this.update({ error: errorText(error) });
            return false;
        } finally {
            this.update({ busy: false });
            this.#refresh();
        }
    }

    readonly rename = (name: string): Promise<boolean> => this.#attempt(() => this.#engine.client.setRoomName(this.#roomId, name.trim()));

    readonly remove = (userId: string): Promise<boolean> => this.#attempt(() => this.#engine.client.kick(this.#roomId, userId));

    readonly leave = (): Promise<boolean> => this.#attempt(() => this.#engine.client.leave(this.#roomId));
}
