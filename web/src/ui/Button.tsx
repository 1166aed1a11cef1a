// Buttons with KERN's look on React Aria's behaviour.
import type { ReactNode, Ref } from "react";
import { Button as AriaButton, Tooltip, TooltipTrigger, type ButtonProps as AriaButtonProps } from "react-aria-components";
import { Icon, type IconName } from "./Icon.tsx";

type Look = "primary" | "secondary" | "tertiary" | "danger";

export interface ButtonProps extends Omit<AriaButtonProps, "children" | "className" | "style"> {
    look?: Look;
    block?: boolean;
    small?: boolean;
    icon?: IconName;
    children: ReactNode;
    ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = "primary", block = false, small = false, icon, children, ...rest }: ButtonProps) {
    const kern = look === "danger" ? "kern-btn--primary" : `kern-btn--${look}`;
    return (
        <AriaButton
            {...rest}
            className={`btn kern-btn ${kern} btn--${look}${block ? " kern-btn--block" : ""}${small ? " btn--small" : ""}`}
        >
            {icon && <Icon name={icon} />}
            <span className="kern-label">{children}</span>
        </AriaButton>
    );
}

export interface IconButtonProps extends Omit<AriaButtonProps, "children" | "className" | "style" | "aria-label"> {
    icon: IconName;
    label: string;
    quiet?: boolean;
    size?: number;
    ref?: Ref<HTMLButtonElement>;
}

/** A button that shows only its icon; the label is spoken, and shown to those who hover or tab to it. */
export function IconButton({ icon, label, size = 20, quiet = false, ...rest }: IconButtonProps) {
    return (
        <TooltipTrigger delay={500}>
            <AriaButton {...rest} aria-label={label} className={`icon-btn${quiet ? " icon-btn--quiet" : ""}`}>
                <Icon name={icon} size={size} />
            </AriaButton>
            <Tooltip className="tooltip" offset={6}>
                {label}
            </Tooltip>
        </TooltipTrigger>
    );
}
