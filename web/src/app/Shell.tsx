// The main window: list on the left, conversation on the right; on a phone one at a time.
import { useEffect, useState } from "react";
import { ConnectionVm } from "../vm/connection-vm.ts";
import type { AppVm } from "../vm/app-vm.ts";
import { RoomListVm } from "../vm/room-list-vm.ts";
import { VerificationVm } from "../vm/verification-vm.ts";
import { useOwnModel, useSnapshot } from "../vm/view-model.ts";
import { ConversationPane } from "../features/timeline/ConversationPane.tsx";
import { HealthBanner } from "../features/recovery/HealthBanner.tsx";
import { Sidebar } from "../features/rooms/Sidebar.tsx";
import { SettingsPage } from "../features/settings/SettingsPage.tsx";
import { VerificationDialog } from "../features/verification/VerificationDialog.tsx";
import type { Engine } from "../matrix/engine.ts";
import { BrandSign } from "../ui/Brand.tsx";
import { Icon } from "../ui/Icon.tsx";
import { InvitationWhileSignedIn } from "./InvitationWhileSignedIn.tsx";
import { useT } from "./i18n.tsx";
import { useRoute } from "./route.ts";

export function Shell({ app, engine }: { app: AppVm; engine: Engine }) {
    const t = useT();
    const route = useRoute();
    const rooms = useOwnModel(() => new RoomListVm(engine));
    const connection = useOwnModel(() => new ConnectionVm(engine.client));
    const verification = useOwnModel(() => new VerificationVm(engine));
    const { online } = useSnapshot(connection);
    const { totalUnread } = useSnapshot(rooms);
    const [roomName, setRoomName] = useState("");
    useEffect(() => {
        const here = route.page === "room" && roomName ? `${roomName} · ${t("app_name")}` : t("app_name");
        document.title = totalUnread > 0 ? `(${totalUnread}) ${here}` : here;
    }, [totalUnread, roomName, route.page, t]);
    const inDetail = route.page === "room" || route.page === "settings";
    return (
        <div className={`shell${inDetail ? " shell--detail" : ""}`}>
            <a className="skip-link" href="#content" onClick={skip}>
                {t("skip_to_content")}
            </a>
            <div className="shell__notices">
                {!online && (
                    <p className="offline" role="status">
                        <Icon name="offline" size={18} />
                        {t("offline_notice")}
                    </p>
                )}
                <HealthBanner app={app} engine={engine} />
            </div>
            <Sidebar engine={engine} model={rooms} selected={route.page === "room" ? route.roomId : null} />
            <main className="shell__main" id="content" tabIndex={-1}>
                {route.page === "room" && <ConversationPane key={route.roomId} engine={engine} roomId={route.roomId} onName={setRoomName} />}
                {route.page === "settings" && <SettingsPage app={app} engine={engine} />}
                {(route.page === "home" || route.page === "invite") && <Welcome />}
            </main>
            {route.page === "invite" && <InvitationWhileSignedIn app={app} />}
            <VerificationDialog model={verification} />
        </div>
    );
}

function skip(event: React.MouseEvent): void {
    // The fragment is the client's address; following the link would leave the room.
    event.preventDefault();
    document.querySelector<HTMLElement>("#content")?.focus();
}

function Welcome() {
    const t = useT();
    return (
        <div className="welcome">
            <BrandSign size={72} />
            <h1>{t("welcome_title")}</h1>
            <p>{t("welcome_text")}</p>
            <p className="welcome__promise">
                <Icon name="lock" size={18} />
                {t("welcome_promise")}
            </p>
        </div>
    );
}
