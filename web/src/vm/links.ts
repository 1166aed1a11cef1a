// Finds web addresses in plain text. Only http and https become links; what follows a sentence isn't part of them.

export interface TextPart {
    readonly text: string;
    readonly link: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"]+/gi;

export function splitLinks(text: string): TextPart[] {
    const parts: TextPart[] = [];
    let end = 0;
    for (const match of text.matchAll(ADDRESS)) {
        const address = trimEnd(match[0]);
        if (!URL.canParse(address)) continue;
        if (match.index > end) parts.push({ text: text.slice(end, match.index), link: null });
        parts.push({ text: address, link: new URL(address).href });
        end = match.index + address.length;
    }
    if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end), link: null });
    return parts;
}

/** Drops punctuation that ends a sentence, and a closing bracket that was opened before the address. */
function trimEnd(address: string): string {
    let result = address.replace(/[.,;:!?'"“”„»«…]+$/u, "");
    while (result.endsWith(")") && result.split(")").length > result.split("(").length) result = result.slice(0, -1);
    return result;
}
