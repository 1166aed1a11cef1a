// One of a few: filter chips, language, appearance.
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";

interface ChoiceProps<Value extends string> {
    label: string;
    value: Value;
    options: readonly { value: Value; label: string }[];
    onChange: (value: Value) => void;
    look?: "chips" | "segments";
}

export function Choice<Value extends string>({ label, value, options, onChange, look = "segments" }: ChoiceProps<Value>) {
    return (
        <ToggleButtonGroup
            aria-label={label}
            className={`choice choice--${look}`}
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[value]}
            onSelectionChange={(keys) => {
                const chosen = options.find((option) => keys.has(option.value));
                if (chosen) onChange(chosen.value);
            }}
        >
            {options.map((option) => (
                <ToggleButton key={option.value} id={option.value} className="choice__option">
                    {option.label}
                </ToggleButton>
            ))}
        </ToggleButtonGroup>
    );
}
