// Who is who: names, the person behind a private chat, and the list of private chats (account data m.direct).
import { EventType, KnownMembership, type MatrixClient, type Room } from "matrix-js-sdk";

/** "@mara:amt.example" to "mara": what is left to show when nobody chose a name. */
export const localPart = (userId: string): string => userId.replace(/^@/, "").split(":", 1)[0] ?? userId;

export function memberName(room: Room, userId: string): string {
    const name = room.getMember(userId)?.name;
    return !name || name === userId ? localPart(userId) : name;
}

type DirectRooms = Record<string, string[]>;

function directRooms(client: MatrixClient): DirectRooms {
    return (client.getAccountData(EventType.Direct)?.getContent() ?? {}) as DirectRooms;
}

/** The other person if this room is a private chat. */
export function directPartner(client: MatrixClient, room: Room): string | null {
    for (const [userId, roomIds] of Object.entries(directRooms(client))) {
        if (Array.isArray(roomIds) && roomIds.includes(room.roomId)) return userId;
    }
    return null;
}

/** A private chat with this person that can be used again, so that asking twice doesn't make two. */
export function existingChat(client: MatrixClient, userId: string): string | null {
    for (const roomId of directRooms(client)[userId] ?? []) {
        const room = client.getRoom(roomId);
        const partner = room?.getMember(userId)?.membership;
        const bothHere = partner === KnownMembership.Join || partner === KnownMembership.Invite;
        if (room?.getMyMembership() === KnownMembership.Join && bothHere) return roomId;
    }
    return null;
}

export async function markAsDirect(client: MatrixClient, roomId: string, userId: string): Promise<void> {
    const rooms = directRooms(client);
    if (rooms[userId]?.includes(roomId)) return;
    await client.setAccountData(EventType.Direct, { ...rooms, [userId]: [...(rooms[userId] ?? []), roomId] });
}

export function initials(name: string): string {
    const words = name.split(/[\s,._-]+/).filter((word) => /\p{L}|\p{N}/u.test(word));
    const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
    return letters.map((word) => [...(word ?? "")].find((char) => /\p{L}|\p{N}/u.test(char)) ?? "").join("").toLocaleUpperCase() || "#";
}

/** One of eight colours, always the same for the same id. */
export function colourOf(id: string): number {
    let hash = 0;
    for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
    return hash % 8;
}
