// Finding colleagues by name and bringing them into a conversation; also what makes new conversations.
import { Preset, Visibility, type MatrixClient } from "matrix-js-sdk";
import type { MessageId } from "../app/i18n.tsx";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import { existingChat, localPart, markAsDirect } from "./people.ts";
import { ViewModel } from "./view-model.ts";

export interface Person {
    readonly userId: string;
    readonly name: string;
}

export interface PeopleSearchSnapshot {
    readonly term: string;
    readonly searching: boolean;
    /** Null before the first search. */
    readonly found: readonly Person[] | null;
    readonly chosen: readonly Person[];
    readonly busy: boolean;
    readonly error: MessageId | null;
}

const PAUSE_MS = 250;
const MOST_SHOWN = 20;

export class PeopleSearchVm extends ViewModel<PeopleSearchSnapshot> {
    readonly #engine: Engine;
    readonly #exclude: ReadonlySet<string>;
    #timer: ReturnType<typeof setTimeout> | undefined;

    /** `exclude`: people who are already there. */
    constructor(engine: Engine, exclude: Iterable<string> = []) {
        super({ term: "", searching: false, found: null, chosen: [], busy: false, error: null });
        this.#engine = engine;
        this.#exclude = new Set([...exclude, engine.client.getSafeUserId()]);
        this.onDispose(() => clearTimeout(this.#timer));
    }

    readonly setTerm = (term: string): void => {
        clearTimeout(this.#timer);
        if (term.trim() === "") {
            this.update({ term, found: null, searching: false });
            return;
        }
        this.update({ term, searching: true });
        this.#timer = setTimeout(() => void this.#search(term.trim()), PAUSE_MS);
    };

    async #search(term: string): Promise<void> {
        try {
            const { results } = await this.#engine.client.searchUserDirectory({ term, limit: MOST_SHOWN });
            // An answer to an older term must not replace a newer one's.
            if (this.getSnapshot().term.trim() !== term) return;
            const found = results
                .filter((result) => !this.#exclude.has(result.user_id))
                .map((result) => ({ userId: result.user_id, name: result.display_name ?? localPart(result.user_id) }));
            this.update({ found, searching: false, error: null });
        } catch (error) {
            this.update({ searching: false, error: errorText(error) });
        }
    }

    readonly choose = (person: Person): void => {
        const { chosen } = this.getSnapshot();
        if (chosen.some((one) => one.userId === person.userId)) return;
        this.update({ chosen: [...chosen, person], term: "", found: null });
    };

    readonly unchoose = (userId: string): void =>
        this.update({ chosen: this.getSnapshot().chosen.filter((one) => one.userId !== userId) });

    /** Runs what the dialog is for and answers its result, or null with the error in the snapshot. */
    async #attempt<T>(act: (client: MatrixClient) => Promise<T>): Promise<T | null> {
        this.update({ busy: true, error: null });
        try {
            return await act(this.#engine.client);
        } catch (error) {
            this.update({ error: errorText(error) });
            return null;
        } finally {
            this.update({ busy: false });
        }
    }

    readonly startChat = (person: Person): Promise<string | null> =>
        this.#attempt(async (client) => {
            const existing = existingChat(client, person.userId);
            if (existing) return existing;
            const { room_id } = await client.createRoom({
                preset: Preset.TrustedPrivateChat,
                visibility: Visibility.Private,
                is_direct: true,
                invite: [person.userId],
                initial_state: [ENCRYPTED],
                power_level_content_override: { events: EVENT_LEVELS },
            });
            await markAsDirect(client, room_id, person.userId);
            return room_id;
        });

    readonly createRoom = (name: string, topic: string): Promise<string | null> =>
        this.#attempt(async (client) => {
            const { room_id } = await client.createRoom({
                name: name.trim(),
                ...(topic.trim() ? { topic: topic.trim() } : {}),
                preset: Preset.PrivateChat,
                visibility: Visibility.Private,
                invite: this.getSnapshot().chosen.map((person) => person.userId),
                initial_state: [ENCRYPTED],
                power_level_content_override: { events: EVENT_LEVELS },
            });
            return room_id;
        });

    readonly invite = async (roomId: string): Promise<boolean> => {
        const done = await this.#attempt(async (client) => {
            for (const person of this.getSnapshot().chosen) await client.invite(roomId, person.userId);
            return true;
        });
        return done === true;
    };
}

/** Every room is protected from its first moment. */
const ENCRYPTED = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

/** Overriding one level replaces the whole map, so the usual ones are repeated; calls must be open to ordinary members. */
const EVENT_LEVELS: Record<string, number> = {
    "m.room.name": 50,
    "m.room.avatar": 50,
    "m.room.canonical_alias": 50,
    "m.room.power_levels": 100,
    "m.room.history_visibility": 100,
    "m.room.server_acl": 100,
    "m.room.encryption": 100,
    "m.room.tombstone": 150,
    "org.matrix.msc3401.call.member": 0,
};
