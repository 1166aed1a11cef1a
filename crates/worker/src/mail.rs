//! Hands written mail to the mail server.

use std::sync::Arc;

use futures_util::{StreamExt as _, future::BoxFuture, stream};
use rohrpost_core::{Result, Server, email::outbox, ports::Mailer};

/// Mails that are taken at a time.
const BATCH: u32 = 20;
/// Mails that are handed over at the same time.
const AT_ONCE: usize = 4;

/// Runs until the server stops.
pub async fn run(server: Arc<Server>, mailer: Arc<dyn Mailer>) {
    let again = move |server: Arc<Server>| -> BoxFuture<'static, Result<()>> {
        let mailer = Arc::clone(&mailer);
        Box::pin(async move { turn(&server, &mailer).await })
    };
    crate::rounds::run(server, "mail", again).await;
}

/// Does everything there is to do at the moment.
///
/// # Errors
/// Those of the store.
pub async fn turn(server: &Arc<Server>, mailer: &Arc<dyn Mailer>) -> Result<()> {
    while !server.is_stopping() {
        let taken = outbox::take(server, BATCH).await?;
        if taken.is_empty() {
            break;
        }
        let hand_over = |mail| -> BoxFuture<'static, Result<()>> {
            let (server, mailer) = (Arc::clone(server), Arc::clone(mailer));
            Box::pin(async move { outbox::send(&server, &*mailer, mail).await })
        };
        let handing_over: Vec<_> = taken.into_iter().map(hand_over).collect();
        let mut sent = stream::iter(handing_over).buffer_unordered(AT_ONCE);
        while let Some(sent) = sent.next().await {
            sent?;
        }
    }
    Ok(())
}
