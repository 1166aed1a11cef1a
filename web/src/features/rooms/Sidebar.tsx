// The left side: who I am, new conversation, search, filters, invitations, conversations.
import { useState } from "react";
import { Button as AriaButton, Input, Menu, MenuItem, MenuTrigger, Popover, SearchField } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import { navigate } from "../../app/route.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Brand } from "../../ui/Brand.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Choice } from "../../ui/Choice.tsx";
import { Icon } from "../../ui/Icon.tsx";
import type { RoomFilter, RoomListVm } from "../../vm/room-list-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import { NewChatDialog } from "../people/NewChatDialog.tsx";
import { NewRoomDialog } from "../people/NewRoomDialog.tsx";
import { InviteLinkDialog } from "../settings/InviteLinkDialog.tsx";
import { InvitationList } from "./InvitationList.tsx";
import { RoomList } from "./RoomList.tsx";

type OpenDialog = "chat" | "room" | "invite" | null;

export function Sidebar({ engine, model, selected }: { engine: Engine; model: RoomListVm; selected: string | null }) {
    const t = useT();
    const { rooms, invitations, filter, search, empty, error } = useSnapshot(model);
    const [dialog, setDialog] = useState<OpenDialog>(null);
    const filters: readonly { value: RoomFilter; label: string }[] = [
        { value: "all", label: t("filter_all") },
        { value: "unread", label: t("filter_unread") },
        { value: "people", label: t("filter_people") },
        { value: "rooms", label: t("filter_rooms") },
    ];
    const open = (roomId: string | null) => {
        setDialog(null);
        if (roomId) navigate({ page: "room", roomId });
    };
    return (
        <nav className="sidebar" aria-label={t("conversations")}>
            <header className="sidebar__header">
                <Brand size={34} />
                <div className="sidebar__actions">
                    <NewMenu administrator={engine.administrator} onOpen={setDialog} />
                    <IconButton icon="settings" label={t("settings")} onPress={() => navigate({ page: "settings" })} />
                </div>
            </header>
            {!empty && (
                <div className="sidebar__find">
                    <SearchField className="search" aria-label={t("search_conversations")} value={search} onChange={model.setSearch}>
                        <Icon name="search" size={18} />
                        <Input className="search__input" placeholder={t("search_conversations")} />
                        <AriaButton className="search__clear" aria-label={t("search_clear")}>
                            <Icon name="close" size={16} />
                        </AriaButton>
                    </SearchField>
                    <Choice look="chips" label={t("filter")} value={filter} options={filters} onChange={model.setFilter} />
                </div>
            )}
            {error && <Alert tone="danger">{t(error)}</Alert>}
            <div className="sidebar__scroll">
                <InvitationList
                    invitations={invitations}
                    onAccept={(roomId) => void model.accept(roomId).then(open)}
                    onDecline={(roomId) => void model.decline(roomId)}
                />
                {empty ? (
                    invitations.length === 0 && <EmptyList administrator={engine.administrator} onOpen={setDialog} />
                ) : (
                    <RoomList rooms={rooms} selected={selected} onOpen={open} searching={search.trim() !== "" || filter !== "all"} />
                )}
            </div>
            {dialog === "chat" && <NewChatDialog engine={engine} onDone={open} />}
            {dialog === "room" && <NewRoomDialog engine={engine} onDone={open} />}
            {dialog === "invite" && <InviteLinkDialog engine={engine} onClose={() => setDialog(null)} />}
        </nav>
    );
}

function NewMenu({ administrator, onOpen }: { administrator: boolean; onOpen: (dialog: OpenDialog) => void }) {
    const t = useT();
    return (
        <MenuTrigger>
            <IconButton icon="plus" label={t("new")} />
            <Popover className="popover" placement="bottom end">
                <Menu className="menu" onAction={(key) => onOpen(key as OpenDialog)} aria-label={t("new")}>
                    <MenuItem id="chat" className="menu__item" textValue={t("new_chat")}>
                        <Icon name="person" />
                        {t("new_chat")}
                    </MenuItem>
                    <MenuItem id="room" className="menu__item" textValue={t("new_room")}>
                        <Icon name="people" />
                        {t("new_room")}
                    </MenuItem>
                    {administrator && (
                        <MenuItem id="invite" className="menu__item" textValue={t("invite_colleagues")}>
                            <Icon name="link" />
                            {t("invite_colleagues")}
                        </MenuItem>
                    )}
                </Menu>
            </Popover>
        </MenuTrigger>
    );
}

function EmptyList({ administrator, onOpen }: { administrator: boolean; onOpen: (dialog: OpenDialog) => void }) {
    const t = useT();
    return (
        <div className="empty">
            <h2>{t("empty_title")}</h2>
            <p>{t("empty_text")}</p>
            <Button block icon="person" onPress={() => onOpen("chat")}>
                {t("new_chat")}
            </Button>
            <Button block look="secondary" icon="people" onPress={() => onOpen("room")}>
                {t("new_room")}
            </Button>
            {administrator && (
                <Button block look="secondary" icon="link" onPress={() => onOpen("invite")}>
                    {t("invite_colleagues")}
                </Button>
            )}
        </div>
    );
}
