//! `POST /_matrix/client/v3/rooms/{roomId}/invite`
//!
//! Invites somebody. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite)

use rohrpost_core::{
    Refusal, Result,
    rooms::membership::{self, Change, ChangeMembership},
};
use ruma::api::client::membership::invite_user::v3::{InvitationRecipient, Request, Response};

use crate::call::Authed;

pub(crate) async fn invite(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let InvitationRecipient::UserId(recipient) = request.recipient else {
        return Err(Refusal::NotOffered(
            "invite people by their user id; addresses are not taken here".to_owned(),
        ));
    };
    let change = Change::Invite(recipient.user_id);
    let wanted = ChangeMembership {
        caller,
        room_id: request.room_id,
        change,
        reason: recipient.reason,
    };
    membership::change(&server, wanted).await?;
    Ok(Response::new())
}
