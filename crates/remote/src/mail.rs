//! The way to the mail server, by SMTP.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    address::AddressError,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::extension::ClientId,
};
use rohrpost_core::ports::{Mail, MailError, Mailer};

/// Longest time for one step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The address of the mail server is none. Its text may hold a password, so it isn't shown.
    #[error("[email] smtp_url is no address of a mail server; write smtps://USER:PASSWORD@HOST")]
    Url,
    /// The sender is none.
    #[error("[email] from is no e-mail address: {0}")]
    From(#[from] AddressError),
}

/// The way to the mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Connects to `url` when there is mail, as `name`.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub fn new(url: &str, from: &str, name: &str) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| SmtpError::Url)?;
        Ok(Self {
            transport: transport
                .hello_name(ClientId::Domain(name.to_owned()))
                .timeout(Some(TIMEOUT))
                .build(),
            from: from.parse()?,
        })
    }

    async fn hand_over(&self, mail: Mail) -> Result<(), MailError> {
        let to: Mailbox = mail.address.parse().map_err(|_| MailError::Refused)?;
        // Nobody's out-of-office assistant shall answer.
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body)
            .map_err(|_| MailError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Refused),
            Err(_) => {
                tracing::warn!("the mail server could not be reached or asks to try again");
                Err(MailError::Later)
            }
        }
    }
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(self.hand_over(mail))
    }
}
