//! Changes of one push rule. The whole set of rules is written, so that all devices of the user see it.

use std::sync::Arc;

use rohrpost_room::push::is_pattern_in_bounds;
use rohrpost_store::{GLOBAL, Tx, Work};
use ruma::push::{
    Action, InsertPushRuleError, NewPushRule, PushCondition, RemovePushRuleError, RuleKind, Ruleset,
};

use crate::{
    Caller, Refusal, Result, Server,
    push::rules::{self, KIND},
};

/// Rules of one user, the predefined ones included.
const MAX_RULES: usize = 1000;
/// Conditions and patterns of the user's own rules together. Each is tried on each unread event.
const MAX_OWN_CONDITIONS: usize = 100;
/// Largest condition, in bytes of JSON.
const MAX_CONDITION_BYTES: usize = 1024;
/// Longest name of a rule, in bytes.
const MAX_RULE_ID_BYTES: usize = 255;
/// Conditions or actions of one rule.
const MAX_PARTS: usize = 20;
/// All rules of one user, in bytes of JSON.
const MAX_RULESET_BYTES: usize = 512 * 1024;

/// What becomes of a rule.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is added, or takes the place of one of the same name.
    Put {
        /// The rule.
        rule: NewPushRule,
        /// The rule of the user that it is the next more important to.
        before: Option<String>,
        /// The rule of the user that it is the next less important to.
        after: Option<String>,
    },
    /// It goes.
    Remove(RuleKind, String),
    /// It is switched on or off.
    Enable(RuleKind, String, bool),
    /// It does something else.
    Act(RuleKind, String, Vec<Action>),
}

struct Unit {
    caller: Caller,
    change: Change,
}

/// Changes a push rule.
///
/// # Errors
/// `NotFound` for a rule that isn't there, `InvalidParam` for names that can't be used and for changes that
/// predefined rules don't allow, `TooLarge` for too many or too long rules.
///
/// # Spec
/// [Push rules](https://spec.matrix.org/v1.19/client-server-api/#push-rules-api)
pub async fn change(server: &Arc<Server>, caller: Caller, change: Change) -> Result<()> {
    check(&change)?;
    server.store.write(Unit { caller, change }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.caller.user_id;
        // One writer at a time, or of two changes at once one would be lost.
        tx.user_lock(user_id).await?;
        let stored = tx.account_data_get(user_id, GLOBAL, KIND).await?;
        let mut rules = rules::read(user_id, stored.as_ref())?;
        apply(&mut rules, self.change.clone())?;
        let mut data = rules::account_data(rules, rohrpost_store::StreamPos(0))?;
        if data.content.len() > MAX_RULESET_BYTES {
            return Err(too_large());
        }
        if stored.is_some_and(|stored| stored.content == data.content) {
            return Ok(());
        }
        data.pos = tx.pos_next().await?;
        tx.account_data_put(user_id, &data).await?;
        tx.wake_user(user_id);
        Ok(())
    }
}

fn too_large() -> Refusal {
    Refusal::TooLarge("there are too many push rules or they are too long; please remove some".to_owned())
}

fn invalid(text: &str) -> Refusal {
    Refusal::InvalidParam(text.to_owned())
}

fn not_found() -> Refusal {
    Refusal::not_found("push rule")
}

/// Checks the bounds of what is to be stored.
fn check(change: &Change) -> Result<()> {
    let (id, fits, parts) = match change {
        Change::Put { rule, .. } => {
            let (conditions, actions, fits) = match rule {
                NewPushRule::Override(rule) | NewPushRule::Underride(rule) => (
                    rule.conditions.len(),
                    rule.actions.len(),
                    rule.conditions.iter().all(condition_fits),
                ),
                NewPushRule::Content(rule) => (0, rule.actions.len(), is_pattern_in_bounds(&rule.pattern)),
                NewPushRule::Room(rule) => (0, rule.actions.len(), true),
                NewPushRule::Sender(rule) => (0, rule.actions.len(), true),
                _ => return Err(invalid("this kind of push rule is not known")),
            };
            (rule.rule_id(), fits, conditions.max(actions))
        }
        Change::Remove(_, id) | Change::Enable(_, id, _) => (id.as_str(), true, 0),
        Change::Act(_, id, actions) => (id.as_str(), true, actions.len()),
    };
    if id.is_empty() || id.len() > MAX_RULE_ID_BYTES {
        return Err(invalid("the name of a push rule must have 1 to 255 bytes"));
    }
    if !fits || parts > MAX_PARTS {
        return Err(too_large());
    }
    Ok(())
}

/// Whether a condition is small enough, and its pattern one that is looked for.
fn condition_fits(condition: &PushCondition) -> bool {
    if let PushCondition::EventMatch(data) = condition
        && !is_pattern_in_bounds(&data.pattern)
    {
        return false;
    }
    serde_json::to_string(condition).is_ok_and(|json| json.len() <= MAX_CONDITION_BYTES)
}

/// How many conditions and patterns the user's own rules have. Rules for one room or sender are as quick as nothing.
fn own_conditions(rules: &Ruleset) -> usize {
    let conditional = rules.override_.iter().chain(&rules.underride);
    let conditions = conditional
        .filter(|rule| !rule.default)
        .map(|rule| rule.conditions.len().max(1));
    conditions.sum::<usize>() + rules.content.iter().filter(|rule| !rule.default).count()
}

fn apply(rules: &mut Ruleset, change: Change) -> Result<()> {
    match change {
        Change::Put { rule, before, after } => {
            let next_to = [&before, &after].into_iter().flatten();
            if next_to.clone().any(|other| other == rule.rule_id()) {
                return Err(invalid("a push rule can't be placed next to itself"));
            }
            if next_to.count() > 0 {
                // `ruma` counts places as if a rule that moves were new, and panics behind the last. A rule that wasn't
                // there needn't be taken out.
                let _taken_out = rules.remove(rule.kind(), rule.rule_id());
            }
            rules
                .insert(rule, after.as_deref(), before.as_deref())
                .map_err(inserted)?;
            if rules.iter().count() > MAX_RULES || own_conditions(rules) > MAX_OWN_CONDITIONS {
                return Err(too_large());
            }
            Ok(())
        }
        Change::Remove(kind, id) => rules.remove(kind, id).map_err(|error| match error {
            RemovePushRuleError::ServerDefault => invalid("predefined rules can only be switched off"),
            _ => not_found(),
        }),
        Change::Enable(kind, id, enabled) => rules.set_enabled(kind, id, enabled).map_err(|_| not_found()),
        Change::Act(kind, id, actions) => rules.set_actions(kind, id, actions).map_err(|_| not_found()),
    }
}

fn inserted(error: InsertPushRuleError) -> Refusal {
    match error {
        InsertPushRuleError::UnknownRuleId => {
            Refusal::NotFound("the rule to be placed next to isn't there".to_owned())
        }
        error => Refusal::InvalidParam(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use ruma::{
        push::{
            Action, EventMatchConditionData, NewConditionalPushRule, NewPatternedPushRule, NewPushRule,
            NewSimplePushRule, PushCondition, RuleKind, Ruleset,
        },
        user_id,
    };

    use super::{Change, apply, check};
    use crate::Refusal;

    fn rules() -> Ruleset {
        Ruleset::server_default(user_id!("@anna:example.org"))
    }

    /// A rule for a sender, and what it is to be placed next to.
    fn sender(id: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let id = ruma::UserId::parse(id).expect("a user id");
        Change::Put {
            rule: NewPushRule::Sender(NewSimplePushRule::new(id, vec![Action::Notify])),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn a_rule_moves_to_each_place_and_never_next_to_itself() {
        let (one, two, three) = ("@one:a.example", "@two:a.example", "@three:a.example");
        let order = |rules: &Ruleset| -> Vec<String> {
            rules.sender.iter().map(|rule| rule.rule_id.to_string()).collect()
        };
        let mut rules = rules();
        for id in [three, two, one] {
            apply(&mut rules, sender(id, None, None)).expect("a rule");
        }
        assert_eq!(order(&rules), [one, two, three]);
        apply(&mut rules, sender(one, None, Some(three))).expect("behind the last");
        assert_eq!(order(&rules), [two, three, one]);
        apply(&mut rules, sender(one, Some(three), None)).expect("before another");
        assert_eq!(order(&rules), [two, one, three]);
        apply(&mut rules, sender(two, Some(three), Some(one))).expect("between two");
        assert_eq!(order(&rules), [one, two, three]);
        for (before, after) in [(Some(one), None), (None, Some(one)), (Some(two), Some(one))] {
            let refused = apply(&mut rules, sender(one, before, after));
            assert!(matches!(refused, Err(Refusal::InvalidParam(_))), "{refused:?}");
        }
        assert_eq!(order(&rules), [one, two, three]);
        let nowhere = apply(
            &mut rules,
            sender("@new:a.example", None, Some("@gone:a.example")),
        );
        assert!(matches!(nowhere, Err(Refusal::NotFound(_))));
    }

    fn pattern(id: &str, pattern: &str) -> Change {
        let rule = NewPatternedPushRule::new(id.to_owned(), pattern.to_owned(), vec![Action::Notify]);
        Change::Put {
            rule: NewPushRule::Content(rule),
            before: None,
            after: None,
        }
    }

    #[test]
    fn a_predefined_rule_can_be_switched_off_but_not_removed() {
        let mut rules = rules();
        let master = || (RuleKind::Override, ".m.rule.master".to_owned());
        let (kind, id) = master();
        apply(&mut rules, Change::Enable(kind, id, true)).expect("it is there");
        let (kind, id) = master();
        let refused = apply(&mut rules, Change::Remove(kind, id));
        assert!(matches!(refused, Err(Refusal::InvalidParam(_))));
    }

    #[test]
    fn no_rule_may_look_like_a_predefined_one() {
        assert!(matches!(
            apply(&mut rules(), pattern(".m.rule.mine", "x")),
            Err(Refusal::InvalidParam(_))
        ));
    }

    #[test]
    fn there_is_an_end_to_patterns() {
        let mut rules = rules();
        let put = |rules: &mut _, i| apply(rules, pattern(&format!("rule{i}"), "x"));
        assert!((0..100).all(|i| put(&mut rules, i).is_ok()));
        assert!(put(&mut rules, 7).is_ok(), "another one of the same name");
        assert!(matches!(put(&mut rules, 100), Err(Refusal::TooLarge(_))));
    }

    #[test]
    fn there_is_an_end_to_conditions() {
        let mut rules = rules();
        let conditions: Vec<_> = (0..20)
            .map(|_| {
                PushCondition::EventMatch(EventMatchConditionData::new("type".to_owned(), "x".to_owned()))
            })
            .collect();
        let refused = (0..100).find_map(|i| {
            let rule = NewConditionalPushRule::new(format!("rule{i}"), conditions.clone(), vec![]);
            let change = Change::Put {
                rule: NewPushRule::Override(rule),
                before: None,
                after: None,
            };
            Some(i).zip(apply(&mut rules, change).err())
        });
        assert!(matches!(refused, Some((5, Refusal::TooLarge(_)))));
    }

    #[test]
    fn many_rooms_may_have_rules() {
        let mut rules = rules();
        for i in 0..500 {
            let room = format!("!room{i}:example.org").try_into().expect("a room id");
            let rule = NewPushRule::Room(NewSimplePushRule::new(room, vec![]));
            apply(
                &mut rules,
                Change::Put {
                    rule,
                    before: None,
                    after: None,
                },
            )
            .expect("there is space");
        }
    }

    #[test]
    fn long_patterns_are_refused() {
        assert!(check(&pattern("mine", &"x".repeat(256))).is_ok());
        for refused in ["x".repeat(257), "*a".repeat(6)] {
            assert!(matches!(
                check(&pattern("mine", &refused)),
                Err(Refusal::TooLarge(_))
            ));
            let condition = EventMatchConditionData::new("content.body".to_owned(), refused);
            let rule = NewConditionalPushRule::new(
                "mine".to_owned(),
                vec![PushCondition::EventMatch(condition)],
                vec![],
            );
            let change = Change::Put {
                rule: NewPushRule::Underride(rule),
                before: None,
                after: None,
            };
            assert!(matches!(check(&change), Err(Refusal::TooLarge(_))));
        }
        assert!(matches!(check(&pattern("", "x")), Err(Refusal::InvalidParam(_))));
    }
}
