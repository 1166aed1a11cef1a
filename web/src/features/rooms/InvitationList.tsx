// Invitations to conversations, above everything else until they are answered.
import { useT } from "../../app/i18n.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import type { InvitationRow } from "../../vm/room-list-vm.ts";

interface Props {
    invitations: readonly InvitationRow[];
    onAccept: (roomId: string) => void;
    onDecline: (roomId: string) => void;
}

export function InvitationList({ invitations, onAccept, onDecline }: Props) {
    const t = useT();
    if (invitations.length === 0) return null;
    return (
        <section className="invitations" aria-label={t("invitations")}>
            <h2 className="sidebar__section">{t("invitations")}</h2>
            <ul>
                {invitations.map((row) => (
                    <li key={row.id} className="invitation">
                        <Avatar name={row.name} seed={row.seed} square={!row.isPerson} />
                        <div className="invitation__text">
                            <strong>{row.name}</strong>
                            <span>{row.isPerson ? t("invitation_person") : t("invitation_room", { person: row.inviter })}</span>
                            <div className="button-row">
                                <Button small isDisabled={row.busy} onPress={() => onAccept(row.id)} aria-label={t("a11y_accept", { name: row.name })}>
                                    {t("accept")}
                                </Button>
                                <Button
                                    small
                                    look="secondary"
                                    isDisabled={row.busy}
                                    onPress={() => onDecline(row.id)}
                                    aria-label={t("a11y_decline", { name: row.name })}
                                >
                                    {t("decline")}
                                </Button>
                            </div>
                        </div>
                    </li>
                ))}
            </ul>
        </section>
    );
}
