// Beside the conversation: what it is, who is in it, what one may change.
import { useState } from "react";
import { Form } from "react-aria-components";
import { useT, type MessageId } from "../../app/i18n.tsx";
import { navigate } from "../../app/route.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Field } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { RoomDetailsVm, type MemberRow } from "../../vm/room-details-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { InviteDialog } from "../people/InviteDialog.tsx";

const ROLES: Readonly<Record<MemberRow["role"], MessageId | null>> = { owner: "role_owner", moderator: "role_moderator", member: null };

type Open = "invite" | "rename" | "leave" | MemberRow | null;

export function RoomDetails({ engine, roomId, onClose }: { engine: Engine; roomId: string; onClose: () => void }) {
    const t = useT();
    const model = useOwnModel(() => new RoomDetailsVm(engine, roomId));
    const { name, topic, isPerson, members, canRename, canInvite, error } = useSnapshot(model);
    const [open, setOpen] = useState<Open>(null);
    const close = () => setOpen(null);
    return (
        <aside className="details" aria-label={t("details")}>
            <header className="details__header">
                <h2>{t("details")}</h2>
                <IconButton icon="close" label={t("close")} onPress={onClose} autoFocus />
            </header>
            <div className="details__body">
                <div className="details__who">
                    <Avatar name={name} seed={roomId} size={72} square={!isPerson} />
                    <p className="details__name">{name}</p>
                    {topic && <p>{topic}</p>}
                    <p className="hint hint--icon">
                        <Icon name="lock" size={16} />
                        {t("details_protected")}
                    </p>
                </div>
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <div className="details__actions">
                    {canInvite && (
                        <Button look="secondary" small icon="plus" onPress={() => setOpen("invite")}>
                            {t("invite")}
                        </Button>
                    )}
                    {canRename && (
                        <Button look="secondary" small icon="edit" onPress={() => setOpen("rename")}>
                            {t("rename")}
                        </Button>
                    )}
                </div>
                <section>
                    <h3>{t("members_title", { count: members.length })}</h3>
                    <ul className="members">
                        {members.map((member) => (
                            <Member key={member.userId} member={member} onRemove={() => setOpen(member)} />
                        ))}
                    </ul>
                </section>
                <Button look="secondary" icon="signout" onPress={() => setOpen("leave")}>
                    {t("leave")}
                </Button>
            </div>
            {open === "invite" && <InviteDialog engine={engine} roomId={roomId} present={members.map((member) => member.userId)} onClose={close} />}
            {open === "rename" && <RenameDialog model={model} onClose={close} />}
            {open === "leave" && (
                <SureDialog
                    title={t("leave_title")}
                    text={t("leave_text", { name })}
                    action={t("leave")}
                    onClose={close}
                    onYes={() => void model.leave().then((left) => left && navigate({ page: "home" }))}
                />
            )}
            {open !== null && typeof open === "object" && (
                <SureDialog
                    title={t("remove_title")}
                    text={t("remove_text", { name: open.name })}
                    action={t("remove")}
                    onClose={close}
                    onYes={() => void model.remove(open.userId).then(close)}
                />
            )}
        </aside>
    );
}

function Member({ member, onRemove }: { member: MemberRow; onRemove: () => void }) {
    const t = useT();
    const role = ROLES[member.role];
    return (
        <li className="member">
            <Avatar name={member.name} seed={member.userId} size={36} />
            <span className="member__text">
                <strong>{member.self ? t("member_you", { name: member.name }) : member.name}</strong>
                <span>{member.invited ? t("member_invited") : role ? t(role) : member.userId}</span>
            </span>
            {member.canRemove && <IconButton icon="close" label={t("a11y_remove", { name: member.name })} onPress={onRemove} />}
        </li>
    );
}

const RENAME_FORM = "rename-room";

function RenameDialog({ model, onClose }: { model: RoomDetailsVm; onClose: () => void }) {
    const t = useT();
    const { name, busy } = useSnapshot(model);
    const [next, setNext] = useState(name);
    return (
        <Dialog
            title={t("rename_title")}
            onClose={onClose}
            footer={
                <>
                    <Button look="secondary" onPress={onClose}>
                        {t("cancel")}
                    </Button>
                    <Button type="submit" form={RENAME_FORM} isPending={busy} isDisabled={next.trim() === ""}>
                        {t("save")}
                    </Button>
                </>
            }
        >
            <Form
                id={RENAME_FORM}
                className="form"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.rename(next).then((done) => done && onClose());
                }}
            >
                <Field label={t("room_name")} help={t("rename_help")} value={next} onChange={setNext} maxLength={120} autoFocus />
            </Form>
        </Dialog>
    );
}

function SureDialog(props: { title: string; text: string; action: string; onYes: () => void; onClose: () => void }) {
    const t = useT();
    return (
        <Dialog
            title={props.title}
            alert
            onClose={props.onClose}
            footer={
                <>
                    <Button look="secondary" onPress={props.onClose}>
                        {t("cancel")}
                    </Button>
                    <Button look="danger" onPress={props.onYes}>
                        {props.action}
                    </Button>
                </>
            }
        >
            <p>{props.text}</p>
        </Dialog>
    );
}
