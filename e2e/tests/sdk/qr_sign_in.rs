//! A new device scans the code that an old one shows, and is signed in and verified by that: two devices meet at the
//! server, and the old one's owner consents on the server's page.

use std::pin::pin;

use anyhow::{Context as _, ensure};
use futures_util::{Stream, StreamExt as _};
use matrix_sdk::authentication::oauth::ClientRegistrationData;
use matrix_sdk::authentication::oauth::qrcode::{
    GeneratedQrProgress, GrantLoginProgress, LoginProgress, QrProgress,
};
use matrix_sdk::authentication::oauth::registration::{
    ApplicationType, ClientMetadata, Localized, OAuthGrantType,
};
use matrix_sdk::config::SyncSettings;
use matrix_sdk::reqwest::{self, Url, header};
use matrix_sdk::ruma::serde::Raw;
use serde_json::{Value, json};

use crate::device::{self, password};
use crate::lab::{Lab, eventually_true};

pub(crate) async fn a_new_device_is_signed_in_by_a_code_that_an_old_one_shows(
    lab: &mut Lab,
) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let room = anna.room_with(&[]).await?;
    let phone = device::client(&lab.server.url()).await?;
    let metadata = ClientMetadata::new(
        ApplicationType::Native,
        vec![OAuthGrantType::DeviceCode],
        Localized::new(Url::parse("https://telefon.example/")?, []),
    );
    let registration = ClientRegistrationData::new(Raw::new(&metadata)?);

    let oauth = anna.client.oauth();
    let grant = oauth.grant_login_with_qr_code().generate();
    let mut shown = pin!(grant.subscribe_to_progress());
    let granting = async { grant.await.context("the old device can't let the new one in") };
    let signing_in = async {
        let code = until(&mut shown, |progress| match progress {
            GrantLoginProgress::EstablishingSecureChannel(GeneratedQrProgress::QrReady(code)) => Some(code),
            _ => None,
        })
        .await?;
        let oauth = phone.oauth();
        let login = oauth.login_with_qr_code(Some(&registration)).scan(&code);
        let mut scanned = pin!(login.subscribe_to_progress());
        let logging_in = async { login.await.context("the new device can't sign in") };
        let person = async {
            // Somebody types the two digits of the new device at the old one, and consents.
            let digits = until(&mut scanned, |progress| match progress {
                LoginProgress::EstablishingSecureChannel(QrProgress { check_code }) => {
                    Some(check_code.to_digit())
                }
                _ => None,
            })
            .await?;
            let typed = until(&mut shown, |progress| match progress {
                GrantLoginProgress::EstablishingSecureChannel(GeneratedQrProgress::QrScanned(sender)) => {
                    Some(sender)
                }
                _ => None,
            })
            .await?;
            typed.send(digits).await?;
            let page = until(&mut shown, |progress| match progress {
                GrantLoginProgress::WaitingForAuth { verification_uri } => Some(verification_uri),
                _ => None,
            })
            .await?;
            consent(&lab.server.url(), &page).await
        };
        tokio::try_join!(logging_in, person).map(|((), ())| ())
    };
    tokio::try_join!(granting, signing_in)?;

    ensure!(
        phone.user_id() == Some(anna.user_id()),
        "somebody else was signed in"
    );
    let new = phone.device_id().context("no device was made")?;
    eventually_true("the old device knows the new one as verified", async || {
        let found = anna.client.encryption().get_device(anna.user_id(), new).await?;
        Ok(found.is_some_and(|device| device.is_cross_signed_by_owner()))
    })
    .await?;
    let text = lab.secret("Read on the new device");
    let said = anna.say(room.room_id(), &text).await?;
    eventually_true("the new device reads", async || {
        phone.sync_once(SyncSettings::new()).await?;
        let Some(room) = phone.get_room(room.room_id()) else {
            return Ok(false);
        };
        let event: Value = serde_json::from_str(room.event(&said, None).await?.raw().json().get())?;
        Ok(event["content"]["body"] == *text)
    })
    .await
}

/// Waits until something is in what a device shows.
async fn until<P, T>(
    progress: &mut (impl Stream<Item = P> + Unpin),
    find: impl Fn(P) -> Option<T>,
) -> anyhow::Result<T> {
    while let Some(progress) = progress.next().await {
        if let Some(found) = find(progress) {
            return Ok(found);
        }
    }
    anyhow::bail!("a device shows nothing more")
}

/// What the page behind a code does when its owner signs in and allows.
async fn consent(server: &str, page: &Url) -> anyhow::Result<()> {
    let mut query = page.query_pairs();
    let (_, user_code) = query
        .find(|(name, _)| name == "user_code")
        .context("the address has no code")?;
    let signed_in = ask(
        server,
        "sign_in",
        json!({ "user": "anna.albrecht", "password": password("anna.albrecht") }),
    )
    .await?;
    let body = json!({ "session": signed_in["session"], "user_code": user_code, "allow": true });
    ask(server, "link", body).await.map(|_| ())
}

async fn ask(server: &str, path: &str, body: Value) -> anyhow::Result<Value> {
    let answer = reqwest::Client::new()
        .post(format!("{server}/_rohrpost/client/v1/oauth/{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string())
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{path} was refused: {status} {text}");
    Ok(serde_json::from_str(&text)?)
}
