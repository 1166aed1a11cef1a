//! A device that is lost, or logged out, is known to be gone by everybody, and nobody writes for it any more.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::RoomState;
use matrix_sdk::ruma::api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier};
use matrix_sdk::ruma::api::error::ErrorKind;
use matrix_sdk::ruma::{OwnedDeviceId, assign};

use crate::device::{Device, password};
use crate::lab::{Lab, eventually_true};

pub(crate) async fn a_removed_device_gets_no_keys(lab: &mut Lab) -> anyhow::Result<()> {
    let kept = lab.register("anna.albrecht").await?;
    let lost = lab.log_in("anna.albrecht").await?;
    let left = lab.log_in("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = kept.room_with(&[&ben]).await?;
    let id = room.room_id();

    let before = lab.secret("For all three devices");
    ben.say(id, &before).await?;
    for device in [&kept, &lost, &left] {
        device.room(id, RoomState::Joined).await?;
        device.reads(id, &before).await?;
    }

    remove(&kept, &lost).await?;
    colleague_knows(&ben, &[&kept, &left]).await?;
    let error = lost
        .client
        .whoami()
        .await
        .err()
        .context("a removed device may still ask")?;
    ensure!(
        matches!(error.client_api_error_kind(), Some(ErrorKind::UnknownToken(_))),
        "a removed device is told something else: {error:?}"
    );
    let between = lab.secret("For the two that are left");
    ben.say(id, &between).await?;
    for device in [&kept, &left] {
        device.reads(id, &between).await?;
    }

    left.client.logout().await?;
    colleague_knows(&ben, &[&kept]).await?;
    let after = lab.secret("For the last device");
    ben.say(id, &after).await?;
    kept.reads(id, &after).await?;

    // Each time with another key, so what those devices have helps nobody who finds them.
    let timeline = kept.timeline(id);
    let with_text = |text: &str| timeline.iter().find(|seen| seen.text() == Some(text));
    let sessions: Option<BTreeSet<&String>> = [&before, &between, &after]
        .into_iter()
        .map(|text| with_text(text)?.session_id.as_ref())
        .collect();
    ensure!(
        sessions.is_some_and(|sessions| sessions.len() == 3),
        "a removed device could read on with the key that it has: {timeline:?}"
    );
    for (device, later) in [(&lost, &between), (&lost, &after), (&left, &after)] {
        let was_shown = device.timeline(id).iter().any(|seen| seen.text() == Some(later));
        ensure!(!was_shown, "a removed device read {later:?}");
    }
    Ok(())
}

/// Removes a device with the password, which the server asks for.
async fn remove(by: &Device, device: &Device) -> anyhow::Result<()> {
    let name = by.user_id().localpart();
    let devices: [OwnedDeviceId; 1] = [device.device_id().to_owned()];
    let Err(error) = by.client.delete_devices(&devices, None).await else {
        bail!("a device was removed without a password");
    };
    let asked = error
        .as_uiaa_response()
        .context("the server doesn't ask for the password")?;
    let auth = |password: String| {
        let who = UserIdentifier::Matrix(MatrixUserIdentifier::new(name.to_owned()));
        AuthData::Password(assign!(Password::new(who, password), { session: asked.session.clone() }))
    };
    let wrong = by
        .client
        .delete_devices(&devices, Some(auth("another password".to_owned())))
        .await;
    let error = wrong
        .err()
        .context("a device was removed with a wrong password")?;
    ensure!(
        error.as_uiaa_response().is_some(),
        "a wrong password ends the session: {error:?}"
    );
    by.client
        .delete_devices(&devices, Some(auth(password(name))))
        .await
        .context("can't remove a device with the right password")?;
    Ok(())
}

/// Waits until a colleague's `/sync` has told of the devices that there are, and no others.
async fn colleague_knows(colleague: &Device, devices: &[&Device]) -> anyhow::Result<()> {
    let expected: BTreeSet<&str> = devices.iter().map(|device| device.device_id().as_str()).collect();
    let owner = devices[0].user_id();
    eventually_true(
        &format!("a colleague knows {} devices", expected.len()),
        async || {
            let known = colleague.client.encryption().get_user_devices(owner).await?;
            let known: BTreeSet<&str> = known.keys().map(|device| device.as_str()).collect();
            Ok(known == expected)
        },
    )
    .await
}
