//! People confirm a second device, and each other, by comparing emoji.

use anyhow::{Context as _, ensure};
use matrix_sdk::encryption::verification::{SasVerification, Verification, VerificationRequest};
use serde_json::Value;

use crate::device::Device;
use crate::lab::{Lab, eventually, eventually_true};
use crate::proxy::Proxy;

pub(crate) async fn a_second_device_is_verified_by_emoji(lab: &mut Lab) -> anyhow::Result<()> {
    let proxy = Proxy::to(lab.server.port()).await?;
    let first = lab.register_through(proxy.url(), "anna.albrecht").await?;
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

    let identity = second
        .client
        .encryption()
        .request_user_identity(first.user_id())
        .await?;
    let identity = identity.context("the new device doesn't know the person's identity")?;
    let request = identity.request_verification().await?;
    emoji_are_compared(request, &second, &first, &proxy).await?;

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

pub(crate) async fn two_people_verify_each_other_in_a_room_of_their_own(lab: &mut Lab) -> anyhow::Result<()> {
    let proxy = Proxy::to(lab.server.port()).await?;
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register_through(proxy.url(), "ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let text = lab.secret("Are you who you are?");
    ben.say(room.room_id(), &text).await?;
    anna.reads(room.room_id(), &text).await?;
    ensure!(
        !is_verified(&anna, &ben).await? && !is_verified(&ben, &anna).await?,
        "verified without doing anything"
    );

    let identity = anna
        .client
        .encryption()
        .request_user_identity(ben.user_id())
        .await?;
    let identity = identity.context("Anna doesn't know Ben's identity")?;
    // Makes a room for the two and asks in there.
    let request = identity.request_verification().await?;
    let between_them = request
        .room_id()
        .context("the library asks outside of a room")?
        .to_owned();
    ben.accept(&between_them).await?;
    emoji_are_compared(request, &anna, &ben, &proxy).await?;

    for (observer, other) in [(&anna, &ben), (&ben, &anna)] {
        eventually_true("both see the other as verified", async || {
            is_verified(observer, other).await
        })
        .await?;
    }
    Ok(())
}

/// Takes a verification from its request to the end on both sides.
async fn emoji_are_compared(
    request: VerificationRequest,
    asking: &Device,
    asked: &Device,
    way_to_asked: &Proxy,
) -> anyhow::Result<()> {
    let person = asking.user_id();
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

    // The library sends several messages at a time, some of them from its sync. People leave it the time to bring them
    // into their order; here, the asked device speaks first and then hears nothing until the other has said everything.
    theirs.confirm().await?;
    eventually_true("the asking device knows that the other confirms", async || {
        let is_it = |event: &Value| {
            event["type"] == "m.key.verification.mac" && event["sender"] == asked.user_id().as_str()
        };
        Ok(match request.room_id() {
            Some(room) => asking.timeline(room).iter().any(|seen| is_it(&seen.event)),
            None => asking.to_device().iter().any(is_it),
        })
    })
    .await?;
    way_to_asked.hold_answers();
    let confirmed = ours.confirm().await;
    way_to_asked.carry_answers();
    confirmed?;
    for side in [&ours, &theirs] {
        eventually_true("the verification is done on both sides", async || {
            Ok(side.is_done())
        })
        .await?;
    }
    Ok(())
}

/// Whether a device has somebody else's identity verified.
async fn is_verified(observer: &Device, person: &Device) -> anyhow::Result<bool> {
    let encryption = observer.client.encryption();
    let identity = encryption.get_user_identity(person.user_id()).await?;
    Ok(identity.is_some_and(|identity| identity.is_verified()))
}

/// Whether one device sees another as signed by its owner.
async fn is_cross_signed(observer: &Device, device: &Device) -> anyhow::Result<bool> {
    let encryption = observer.client.encryption();
    let device = encryption
        .get_device(device.user_id(), device.device_id())
        .await?;
    Ok(device.is_some_and(|device| device.is_cross_signed_by_owner()))
}
