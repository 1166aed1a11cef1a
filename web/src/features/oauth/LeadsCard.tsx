// Where a program that doesn't know OAuth 2.0 wants its user back.
import { useT } from "../../app/i18n.tsx";
import type { Leads } from "../../matrix/account-pages.ts";
import { Icon } from "../../ui/Icon.tsx";

/** Where people are sent, as the server read the address. */
export function LeadsCard({ leads }: { leads: Leads }) {
    const t = useT();
    const isSite = "site" in leads;
    return (
        <div className="asker">
            <span className="way__icon">
                <Icon name="device" size={24} />
            </span>
            <span className="way__text">
                <span>{t(isSite ? "sso_target_site" : "sso_target_program")}</span>
                <strong>{isSite ? leads.site : leads.program}</strong>
            </span>
        </div>
    );
}
