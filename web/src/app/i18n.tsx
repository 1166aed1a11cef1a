// Languages: German first, English second. All text lives in locales/*.json; a test holds both files to the same keys.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { I18nProvider } from "react-aria-components";
import { IntlProvider, useIntl } from "react-intl";
import de from "../../locales/de.json";
import en from "../../locales/en.json";

export type MessageId = keyof typeof de;
export type Language = "de" | "en";
export type Values = Record<string, string | number | Date>;
export type Translate = (id: MessageId, values?: Values) => string;

const MESSAGES: Readonly<Record<Language, Record<MessageId, string>>> = { de, en };
/** Dates and numbers as the country writes them, whichever language is read. */
const REGION: Readonly<Record<Language, string>> = { de: "de-DE", en: "en-GB" };
const STORED_AS = "rohrpost.language";

function storedLanguage(): Language {
    return localStorage.getItem(STORED_AS) === "en" ? "en" : "de";
}

interface LanguageChoice {
    readonly language: Language;
    readonly setLanguage: (language: Language) => void;
}

const Choice = createContext<LanguageChoice>({ language: "de", setLanguage: () => undefined });

export function LanguageProvider({ children }: { children: ReactNode }) {
    const [language, setState] = useState(storedLanguage);
    useEffect(() => {
        document.documentElement.lang = language;
    }, [language]);
    const choice = useMemo(
        () => ({
            language,
            setLanguage: (next: Language) => {
                localStorage.setItem(STORED_AS, next);
                setState(next);
            },
        }),
        [language],
    );
    return (
        <Choice value={choice}>
            <I18nProvider locale={REGION[language]}>
                <IntlProvider locale={REGION[language]} messages={MESSAGES[language]} defaultLocale="de-DE">
                    {children}
                </IntlProvider>
            </I18nProvider>
        </Choice>
    );
}

export const useLanguage = (): LanguageChoice => useContext(Choice);

export function useT(): Translate {
    const intl = useIntl();
    return useCallback((id, values) => intl.formatMessage({ id }, values), [intl]);
}

/** Text needed outside React (names the SDK generates for rooms); follows the stored language. */
export function plainText(id: MessageId): string {
    return MESSAGES[storedLanguage()][id];
}
