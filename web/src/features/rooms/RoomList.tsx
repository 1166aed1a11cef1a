// The conversations themselves: a list that arrow keys walk through and Enter opens.
import { GridList, GridListItem } from "react-aria-components";
import { useIntl, type IntlShape } from "react-intl";
import { useT, type Translate } from "../../app/i18n.tsx";
import { usePreviewText } from "../../app/preview-text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import type { Preview } from "../../vm/preview.ts";
import type { RoomRow } from "../../vm/room-list-vm.ts";

interface Props {
    rooms: readonly RoomRow[];
    selected: string | null;
    searching: boolean;
    onOpen: (roomId: string) => void;
}

export function RoomList({ rooms, selected, searching, onOpen }: Props) {
    const t = useT();
    const intl = useIntl();
    const preview = usePreviewText();
    return (
        <GridList
            className="room-list"
            aria-label={t("conversations")}
            items={rooms}
            onAction={(key) => onOpen(String(key))}
            renderEmptyState={() => <p className="room-list__none">{t(searching ? "list_nothing_found" : "empty_text")}</p>}
            dependencies={[selected, rooms, t]}
        >
            {(room) => {
                const text = previewLine(room, t, preview);
                const time = shortTime(intl, room.time, t("yesterday"));
                // Read as one when the arrow keys reach the row; the name comes first, so that typing it finds the row.
                const spoken = [room.name, room.unread > 0 ? t("unread_count", { count: room.unread }) : "", text, time];
                return (
                    <GridListItem
                        id={room.id}
                        textValue={spoken.filter(Boolean).join(", ")}
                        className={`room-row${room.id === selected ? " room-row--open" : ""}`}
                    >
                        <Row room={room} text={text} time={time} />
                    </GridListItem>
                );
            }}
        </GridList>
    );
}

function previewLine(room: RoomRow, t: Translate, preview: (preview: Preview) => string): string {
    if (!room.preview) return t("no_messages_yet");
    const text = preview(room.preview);
    if (room.previewOwn) return t("preview_own", { text });
    return room.previewSender ? t("preview_from", { name: room.previewSender, text }) : text;
}

function Row({ room, text, time }: { room: RoomRow; text: string; time: string }) {
    const t = useT();
    return (
        <>
            <Avatar name={room.name} seed={room.seed} square={!room.isPerson} />
            <span className="room-row__main">
                <span className="room-row__line">
                    <span className="room-row__name">{room.name}</span>
                    <time className="room-row__time" dateTime={new Date(room.time).toISOString()}>
                        {time}
                    </time>
                </span>
                <span className="room-row__line">
                    <span className={`room-row__preview${room.unread > 0 ? " room-row__preview--unread" : ""}`}>{text}</span>
                    {room.unread > 0 && (
                        <span className="badge">
                            <span aria-hidden="true">{room.unread > 99 ? "99+" : room.unread}</span>
                            <span className="sr-only">{t("unread_count", { count: room.unread })}</span>
                        </span>
                    )}
                </span>
            </span>
        </>
    );
}

const DAY_MS = 86_400_000;

/** Today the time, yesterday the word, this week the day, older the date. */
function shortTime(intl: IntlShape, time: number, yesterday: string): string {
    const midnight = new Date().setHours(0, 0, 0, 0);
    if (time >= midnight) return intl.formatTime(time, { hour: "2-digit", minute: "2-digit" });
    if (time >= midnight - DAY_MS) return yesterday;
    if (time >= midnight - 6 * DAY_MS) return intl.formatDate(time, { weekday: "short" });
    return intl.formatDate(time, { day: "2-digit", month: "2-digit", year: "2-digit" });
}
