// Finding people by name: one search field, a list to choose from, chips of those chosen.
import { Button as AriaButton, Input, Label, ListBox, ListBoxItem, SearchField, Tag, TagGroup, TagList } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { PeopleSearchVm, Person } from "../../vm/people-search-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";

interface Props {
    model: PeopleSearchVm;
    label: string;
    onChoose: (person: Person) => void;
    autoFocus?: boolean;
}

export function PeoplePicker({ model, label, onChoose, autoFocus = false }: Props) {
    const t = useT();
    const { term, searching, found, chosen, busy } = useSnapshot(model);
    return (
        <div className="picker">
            {chosen.length > 0 && (
                <TagGroup
                    aria-label={t("chosen_people")}
                    className="chips"
                    onRemove={(keys) => {
                        for (const key of keys) model.unchoose(String(key));
                    }}
                >
                    <TagList className="chips__list" items={chosen.map((person) => ({ id: person.userId, ...person }))}>
                        {(person) => (
                            <Tag className="chip" textValue={person.name}>
                                {person.name}
                                <AriaButton slot="remove" className="chip__remove" aria-label={t("a11y_remove", { name: person.name })}>
                                    <Icon name="close" size={14} />
                                </AriaButton>
                            </Tag>
                        )}
                    </TagList>
                </TagGroup>
            )}
            <SearchField className="field" value={term} onChange={model.setTerm} autoFocus={autoFocus}>
                <Label className="field__label">{label}</Label>
                <div className="search search--large">
                    <Icon name="search" size={18} />
                    <Input className="search__input" placeholder={t("people_placeholder")} />
                    <AriaButton className="search__clear" aria-label={t("search_clear")}>
                        <Icon name="close" size={16} />
                    </AriaButton>
                </div>
            </SearchField>
            {/* Always there, so that screen readers notice when it fills. */}
            <div className="picker__results" aria-live="polite">
                {searching && <Spinner label={t("searching")} />}
                {found?.length === 0 && !searching && <p className="hint">{t("people_none")}</p>}
                {found === null && !searching && chosen.length === 0 && <p className="hint">{t("people_hint")}</p>}
            </div>
            {found !== null && found.length > 0 && (
                <ListBox
                    aria-label={t("people_found")}
                    className="people"
                    items={found.map((person) => ({ id: person.userId, ...person }))}
                    disabledKeys={busy ? found.map((person) => person.userId) : []}
                    selectionMode="none"
                    onAction={(key) => {
                        const person = found.find((one) => one.userId === key);
                        if (person) onChoose(person);
                    }}
                >
                    {(person) => (
                        <ListBoxItem className="people__item" textValue={person.name}>
                            <Avatar name={person.name} seed={person.userId} size={40} />
                            <span className="people__text">
                                <strong>{person.name}</strong>
                                <span>{person.userId}</span>
                            </span>
                        </ListBoxItem>
                    )}
                </ListBox>
            )}
        </div>
    );
}
