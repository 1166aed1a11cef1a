//! What comes before everything else: getting in, staying in.

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::RoomState;
use matrix_sdk::ruma::api::error::ErrorKind;

use crate::device;
use crate::lab::Lab;

pub(crate) async fn a_wrong_password_gives_no_device(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    for name in ["anna.albrecht", "nobody"] {
        let client = device::client(&lab.server.url()).await?;
        let Err(error) = client
            .matrix_auth()
            .login_username(name, "another password")
            .send()
            .await
        else {
            bail!("a wrong password was accepted for {name}");
        };
        ensure!(
            error.client_api_error_kind() == Some(&ErrorKind::Forbidden),
            "a wrong password was refused in another way: {error:?}"
        );
    }
    let devices = anna.client.devices().await?.devices;
    ensure!(
        devices.len() == 1,
        "there are other devices than the first: {devices:?}"
    );
    Ok(())
}

pub(crate) async fn a_refreshed_session_is_the_same_device(lab: &mut Lab) -> anyhow::Result<()> {
    let first = lab.register("anna.albrecht").await?;
    let second = lab.log_in("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = first.room_with(&[&ben]).await?;
    let id = room.room_id();
    second.room(id, RoomState::Joined).await?;

    let before = second
        .client
        .session_tokens()
        .context("logged in without tokens")?;
    ensure!(
        before.refresh_token.is_some(),
        "the server gave no refresh token, although asked"
    );
    second
        .client
        .refresh_access_token()
        .await
        .context("can't refresh")?;
    let after = second
        .client
        .session_tokens()
        .context("refreshed without tokens")?;
    ensure!(
        after.access_token != before.access_token,
        "the same access token again"
    );
    ensure!(
        after.refresh_token != before.refresh_token,
        "the same refresh token again"
    );

    let me = second.client.whoami().await?;
    ensure!(
        me.device_id.as_deref() == Some(second.device_id()),
        "refreshing made another device"
    );
    let text = lab.secret("After the refresh");
    ben.say(id, &text).await?;
    second.reads(id, &text).await?;
    let answer = lab.secret("Answered after the refresh");
    second.say(id, &answer).await?;
    ben.reads(id, &answer).await?;
    Ok(())
}
