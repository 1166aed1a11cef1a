// A page with one thing on it: sign-in, invitation, recovery key, confirmation of a device.
import { useEffect, useRef, type ReactNode } from "react";
import { Brand } from "../ui/Brand.tsx";
import { Choice } from "../ui/Choice.tsx";
import { useLanguage, useT, type Language } from "./i18n.tsx";

interface CenterPageProps {
    title: string;
    lead?: ReactNode;
    children: ReactNode;
    foot?: ReactNode;
    wide?: boolean;
    /** Several steps share the page: the heading gets the focus when it changes, so that it is read. */
    focusTitle?: boolean;
}

const LANGUAGES: readonly { value: Language; label: string }[] = [
    { value: "de", label: "Deutsch" },
    { value: "en", label: "English" },
];

export function CenterPage({ title, lead, children, foot, wide = false, focusTitle = false }: CenterPageProps) {
    const t = useT();
    const { language, setLanguage } = useLanguage();
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        document.title = `${title} · ${t("app_name")}`;
        if (focusTitle) heading.current?.focus();
    }, [title, t, focusTitle]);
    return (
        <div className="center">
            <header className="center__header">
                <Brand />
                <Choice label={t("language")} value={language} options={LANGUAGES} onChange={setLanguage} />
            </header>
            <main className={`center__card${wide ? " center__card--wide" : ""}`}>
                <h1 className="center__title" tabIndex={-1} ref={heading}>
                    {title}
                </h1>
                {lead && <p className="center__lead">{lead}</p>}
                {children}
            </main>
            {foot && <footer className="center__foot">{foot}</footer>}
        </div>
    );
}
