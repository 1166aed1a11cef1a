// Is the server answering? And when it does again: messages that waited go out without anybody pressing a button.
import { ClientEvent, EventStatus, MatrixError, SyncState, type MatrixClient } from "matrix-js-sdk";
import { listen } from "./listen.ts";
import { ViewModel } from "./view-model.ts";

export class ConnectionVm extends ViewModel<{ readonly online: boolean }> {
    constructor(client: MatrixClient) {
        super({ online: true });
        const look = (state: SyncState | null) => {
            const online = state !== SyncState.Error && state !== SyncState.Reconnecting;
            const wasOnline = this.getSnapshot().online;
            if (online === wasOnline) return;
            this.update({ online });
            if (online) resendWaiting(client);
        };
        this.onDispose(listen(client as never, [ClientEvent.Sync], look));
        look(client.getSyncState());
    }
}

/** Sends again what failed for want of a connection; what the server refused stays for its author to decide. */
export function resendWaiting(client: MatrixClient): void {
    for (const room of client.getRooms()) {
        const waiting = room.getLiveTimeline().getEvents().filter((event) => event.status === EventStatus.NOT_SENT);
        for (const event of waiting) {
            const refused = event.error instanceof MatrixError && (event.error.httpStatus ?? 0) >= 400 && (event.error.httpStatus ?? 0) < 500;
            if (!refused) void client.resendEvent(event, room).catch(() => undefined);
        }
    }
}
