//! A person confirms a second device by comparing emoji on both.

use anyhow::{Context as _, ensure};
use matrix_sdk::encryption::verification::{SasVerification, Verification};

use crate::device::Device;
use crate::lab::{Lab, eventually, eventually_true};

pub(crate) async fn a_second_device_is_verified_by_emoji(lab: &mut Lab) -> anyhow::Result<()> {
    let first = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = first.room_with(&[&ben]).await?;
    let id = room.room_id();
    ensure!(
        is_cross_signed(&first, &first).await?,
        "the first device didn't set up cross-signing"
    );

    let second = lab.log_in("anna.albrecht").await?;
    ensure!(
        !is_cross_signed(&second, &second).await?,
        "a new device is cross-signed before anybody confirmed it"
    );

    let (asking, asked) = emoji_are_compared(&second, &first).await?;
    for side in [&asking, &asked] {
        eventually_true("the verification is done on both sides", async || {
            Ok(side.is_done())
        })
        .await?;
    }

    for observer in [&second, &first] {
        eventually_true(
            "the person's devices see the second one cross-signed",
            async || is_cross_signed(observer, &second).await,
        )
        .await?;
    }
    eventually_true(
        "the second device has got the private keys of cross-signing",
        async || {
            let status = second.client.encryption().cross_signing_status().await;
            Ok(status.is_some_and(|status| status.is_complete()))
        },
    )
    .await?;

    // Ben's device keeps track of Anna's because they share a room.
    let text = lab.secret("For both devices of Anna");
    ben.say(id, &text).await?;
    first.reads(id, &text).await?;
    second.reads(id, &text).await?;
    eventually_true("a colleague sees the second device cross-signed", async || {
        is_cross_signed(&ben, &second).await
    })
    .await
}

/// Runs a verification from its request to the last confirmation and gives back both sides of it.
async fn emoji_are_compared(
    asking: &Device,
    asked: &Device,
) -> anyhow::Result<(SasVerification, SasVerification)> {
    let person = asking.user_id();
    let identity = asking
        .client
        .encryption()
        .request_user_identity(person)
        .await?
        .context("the new device doesn't know the person's identity")?;
    let request = identity.request_verification().await?;
    let flow = request.flow_id();
    let received = eventually("the other device is asked", async || {
        let encryption = asked.client.encryption();
        Ok(encryption.get_verification_request(person, flow).await)
    })
    .await?;
    received.accept().await?;
    eventually_true("the asking device is ready", async || Ok(request.is_ready())).await?;

    let ours = request
        .start_sas()
        .await?
        .context("both devices know emoji, and yet they can't be compared")?;
    let theirs = eventually("the comparison starts on the other device", async || {
        let verification = asked.client.encryption().get_verification(person, flow).await;
        Ok(verification.and_then(Verification::sas))
    })
    .await?;
    theirs.accept().await?;
    for side in [&ours, &theirs] {
        eventually_true("the emoji are there", async || Ok(side.can_be_presented())).await?;
    }
    let symbols = |side: &SasVerification| {
        let emoji = side.emoji().context("no emoji")?;
        anyhow::Ok(emoji.map(|emoji| emoji.symbol))
    };
    ensure!(
        symbols(&ours)? == symbols(&theirs)?,
        "the devices show different emoji"
    );
    ours.confirm().await?;
    theirs.confirm().await?;
    Ok((ours, theirs))
}

/// Whether one device sees another as signed by its owner.
async fn is_cross_signed(observer: &Device, device: &Device) -> anyhow::Result<bool> {
    let encryption = observer.client.encryption();
    let device = encryption
        .get_device(device.user_id(), device.device_id())
        .await?;
    Ok(device.is_some_and(|device| device.is_cross_signed_by_owner()))
}
