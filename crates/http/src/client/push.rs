//! Push rules and pushers.

mod acknowledge_pusher;
mod delete_rule;
mod get_global_rules;
mod get_notifications;
mod get_pushers;
mod get_rule;
mod get_rule_actions;
mod get_rule_enabled;
mod get_rules;
mod set_pusher;
mod set_rule;
mod set_rule_actions;
mod set_rule_enabled;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    acknowledge_pusher::routes(routes);
    routes.authed(delete_rule::delete_rule);
    routes.authed(get_global_rules::get_global_rules);
    routes.authed(get_notifications::get_notifications);
    routes.authed(get_pushers::get_pushers);
    routes.authed(get_rule::get_rule);
    routes.authed(get_rule_actions::get_rule_actions);
    routes.authed(get_rule_enabled::get_rule_enabled);
    routes.authed(get_rules::get_rules);
    routes.authed(set_pusher::set_pusher);
    routes.authed(set_rule::set_rule);
    routes.authed(set_rule_actions::set_rule_actions);
    routes.authed(set_rule_enabled::set_rule_enabled);
}
