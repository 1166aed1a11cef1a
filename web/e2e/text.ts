// The words on screen, from the client's own locales: tests look for what a person reads.
import { readFileSync } from "node:fs";

type Messages = Record<string, string>;
const load = (language: string): Messages =>
    JSON.parse(readFileSync(new URL(`../locales/${language}.json`, import.meta.url), "utf8")) as Messages;

export type Language = "de" | "en";
const LOCALES: Record<Language, Messages> = { de: load("de"), en: load("en") };

/** Fills plain placeholders; plurals are looked for by pattern in the tests themselves. */
export function words(language: Language): (id: string, values?: Record<string, string | number>) => string {
    return (id, values = {}) => {
        const text = LOCALES[language][id];
        if (text === undefined) throw new Error(`no text ${id}`);
        return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    };
}
