// Who asks, what it may do then, and the two answers.
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT, type MessageId } from "../../app/i18n.tsx";
import type { Asker, Question } from "../../matrix/account-pages.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";

/** The name is what the program calls itself; the host is what can be trusted. */
export function AskerCard({ asker }: { asker: Asker }) {
    const t = useT();
    return (
        <div className="asker">
            <span className="way__icon">
                <Icon name="device" size={24} />
            </span>
            <span className="way__text">
                <strong>{asker.name}</strong>
                <span>{t("oauth_consent_host", { host: asker.host })}</span>
            </span>
        </div>
    );
}

interface Props {
    question: Question;
    userId: string;
    busy: boolean;
    error: MessageId | null;
    onDecide: (allow: boolean) => void;
}

const MAY: readonly MessageId[] = ["oauth_may_read", "oauth_may_write", "oauth_may_change"];

export function Consent({ question, userId, busy, error, onDecide }: Props) {
    const t = useT();
    const { client, device_id } = question;
    return (
        <CenterPage title={t("oauth_consent_title")} lead={t("oauth_consent_lead", { name: client.name })} focusTitle>
            <AskerCard asker={client} />
            <dl className="facts">
                <dt>{t("oauth_consent_account")}</dt>
                <dd>{userId}</dd>
                <dt>{t("oauth_consent_device")}</dt>
                <dd>{device_id}</dd>
            </dl>
            <ul className="points">
                {MAY.map((id) => (
                    <li key={id}>
                        <Icon name="check" />
                        {t(id)}
                    </li>
                ))}
                <li>
                    <Icon name="lock" />
                    {t("oauth_may_not")}
                </li>
            </ul>
            <Alert tone="warning">{t("oauth_consent_warning")}</Alert>
            {error && <Alert tone="danger">{t(error)}</Alert>}
            <Button block isPending={busy} onPress={() => onDecide(true)}>
                {t("oauth_allow")}
            </Button>
            <Button look="secondary" block isDisabled={busy} onPress={() => onDecide(false)}>
                {t("oauth_refuse")}
            </Button>
            <Documents asker={client} />
        </CenterPage>
    );
}

function Documents({ asker }: { asker: Asker }) {
    const t = useT();
    if (!asker.tos_uri && !asker.policy_uri) return null;
    return (
        <p className="hint">
            {asker.tos_uri && (
                <a href={asker.tos_uri} target="_blank" rel="noreferrer noopener">
                    {t("oauth_terms")}
                </a>
            )}
            {asker.tos_uri && asker.policy_uri && " · "}
            {asker.policy_uri && (
                <a href={asker.policy_uri} target="_blank" rel="noreferrer noopener">
                    {t("oauth_policy")}
                </a>
            )}
        </p>
    );
}
