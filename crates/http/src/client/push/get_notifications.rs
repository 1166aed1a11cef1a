//! `GET /_matrix/client/v3/notifications`
//!
//! Lists what the caller was notified about. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications)

use rohrpost_core::{
    Result,
    push::notifications::{self, NotificationsPage},
    rooms::messages::Page,
};
use ruma::{
    api::client::push::get_notifications::v3::{Notification, Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn get_notifications(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let page = NotificationsPage {
        from: Page::token(request.from.as_deref())?,
        limit: request.limit.and_then(|limit| usize::try_from(limit).ok()),
        only_highlights: request.only.as_deref() == Some("highlight"),
    };
    let found = notifications::list(&server, caller, page).await?;
    let list = found.list.into_iter().map(|notification| {
        Notification::new(
            notification.actions,
            Raw::from_json(notification.event),
            notification.is_read,
            notification.room_id,
            notification.ts,
        )
    });
    let mut response = Response::new(list.collect());
    response.next_token = found.next.map(|token| token.to_string());
    Ok(response)
}
