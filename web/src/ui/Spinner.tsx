// A wheel while something is under way, with its words for those who don't see it.
export function Spinner({ label, size = 24 }: { label: string; size?: number }) {
    return (
        <span className="spinner" role="status">
            <span className="spinner__wheel" style={{ width: size, height: size }} aria-hidden="true" />
            <span className="sr-only">{label}</span>
        </span>
    );
}
