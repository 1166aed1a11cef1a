// A coloured strip with an icon and text: the colour never says anything that the words don't.
import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon.tsx";

type Tone = "info" | "success" | "warning" | "danger";
const ICONS: Readonly<Record<Tone, IconName>> = { info: "info", success: "check", warning: "warning", danger: "warning" };

export function Alert({ tone, children, action }: { tone: Tone; children: ReactNode; action?: ReactNode }) {
    return (
        <div className={`alert alert--${tone}`} role={tone === "danger" ? "alert" : "status"}>
            <Icon name={ICONS[tone]} />
            <div className="alert__text">{children}</div>
            {action}
        </div>
    );
}
