// Text fields with KERN's look: label above, help below it, the error as text under the field.
import { useState, type Ref } from "react";
import { FieldError, Input, Label, Text, TextArea, TextField, type TextFieldProps } from "react-aria-components";
import { useT } from "../app/i18n.tsx";
import { IconButton } from "./Button.tsx";

interface FieldProps extends Omit<TextFieldProps, "className" | "style" | "children"> {
    label: string;
    help?: string | undefined;
    error?: string | undefined;
    multiline?: boolean;
    /** For keys and codes: fixed width, no correction by the browser. */
    code?: boolean;
    inputRef?: Ref<HTMLInputElement>;
}

export function Field({ label, help, error, multiline = false, code = false, inputRef, ...rest }: FieldProps) {
    const className = `kern-form-input__input field__input${code ? " field__input--code" : ""}`;
    const spelling = code ? { spellCheck: "false" as const, autoCapitalize: "none", autoCorrect: "off" } : {};
    return (
        <TextField {...rest} isInvalid={error !== undefined} className={`field kern-form-input${error ? " kern-form-input--error" : ""}`}>
            <Label className="field__label">{label}</Label>
            {help && (
                <Text slot="description" className="field__help">
                    {help}
                </Text>
            )}
            {multiline ? <TextArea className={className} rows={3} {...spelling} /> : <Input className={className} ref={inputRef ?? null} {...spelling} />}
            <FieldError className="field__error">{error ?? ""}</FieldError>
        </TextField>
    );
}

/** A password that its owner may look at: seeing it beats typing it three times. */
export function PasswordField({ label, help, error, ...rest }: Omit<FieldProps, "multiline" | "code" | "type">) {
    const t = useT();
    const [shown, setShown] = useState(false);
    return (
        <TextField
            {...rest}
            type={shown ? "text" : "password"}
            isInvalid={error !== undefined}
            className={`field kern-form-input${error ? " kern-form-input--error" : ""}`}
        >
            <Label className="field__label">{label}</Label>
            {help && (
                <Text slot="description" className="field__help">
                    {help}
                </Text>
            )}
            <div className="field__row">
                <Input className="kern-form-input__input field__input field__input--password" />
                <IconButton icon={shown ? "eyeOff" : "eye"} label={t(shown ? "password_hide" : "password_show")} onPress={() => setShown(!shown)} />
            </div>
            <FieldError className="field__error">{error ?? ""}</FieldError>
        </TextField>
    );
}
