// Name and sign of the product: a capsule in its tube.
import { useT } from "../app/i18n.tsx";

export function BrandSign({ size = 40 }: { size?: number }) {
    return (
        <svg className="brand__sign" width={size} height={size} viewBox="0 0 48 48" aria-hidden="true" focusable="false">
            <rect width="48" height="48" rx="12" className="brand__ground" />
            <path className="brand__tube" d="M8 33h14a11 11 0 0 0 11-11V8" />
            <path className="brand__capsule" d="M24.8 30.200a11 11 0 0 0 6-6" />
        </svg>
    );
}

export function Brand({ size }: { size?: number }) {
    const t = useT();
    return (
        <span className="brand">
            <BrandSign {...(size === undefined ? {} : { size })} />
            <span className="brand__name">{t("app_name")}</span>
        </span>
    );
}
