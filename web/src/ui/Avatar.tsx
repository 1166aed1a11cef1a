// Initials on a colour that stays the same for the same person or room. Decorative: the name always stands beside it.
import { colourOf, initials } from "../vm/people.ts";

export function Avatar({ name, seed, size = 44, square = false }: { name: string; seed: string; size?: number; square?: boolean }) {
    return (
        <span
            className={`avatar avatar--${colourOf(seed)}${square ? " avatar--square" : ""}`}
            style={{ width: size, height: size, fontSize: size * 0.38 }}
            aria-hidden="true"
        >
            {initials(name)}
        </span>
    );
}
