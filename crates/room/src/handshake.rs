//! Memberships that two servers make together: joins, knocks, leaves and invites across servers.
//!
//! Three parts. When our user goes to a room that we aren't in, another server offers a template: [`check_template`] takes
//! from it only where in the room the event goes, and [`Template::sign`] builds the event from what *we* wanted. When a
//! user of another server wants to come into a room of ours, [`offer()`] makes such a template. When another server hands
//! us a finished event, [`check_handed`] says whether it is the membership that the endpoint is
//! for, of a user that server answers for; only such an event gets our signature too.
//!
//! So our key never signs what another server wrote, except for an invite of our user and a join that our user
//! authorizes, and both only after they were checked. Requests, states and conditions of restricted rooms are the
//! caller's. Start with [`check_template`] or [`check_handed`].

mod countersigned;
mod handed;
mod invite_state;
mod offer;
mod template;

pub use countersigned::{Countersigned, CountersignedError, check_countersigned};
pub use handed::{Handed, HandedError, Handing, check_handed};
pub use invite_state::{InviteStateError, MAX_INVITE_STATE, check_invite_state};
pub use offer::{Wanted, event as offered_event, offer};
pub use template::{Ask, AskedMembership, Template, TemplateError, check_template};
