// Light, dark, or as the system says. KERN switches its tokens by the attribute; without it the media query decides.

export type Appearance = "system" | "light" | "dark";

const STORED_AS = "rohrpost.appearance";

export function storedAppearance(): Appearance {
    const stored = localStorage.getItem(STORED_AS);
    return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyAppearance(appearance: Appearance): void {
    if (appearance === "system") delete document.documentElement.dataset["kernTheme"];
    else document.documentElement.dataset["kernTheme"] = appearance;
}

export function setAppearance(appearance: Appearance): void {
    localStorage.setItem(STORED_AS, appearance);
    applyAppearance(appearance);
}
