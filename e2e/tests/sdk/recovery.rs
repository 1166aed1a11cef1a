//! Somebody comes with a new device and the recovery key, and reads what was written before.

use anyhow::{Context as _, ensure};
use matrix_sdk::RoomState;
use matrix_sdk::encryption::recovery::RecoveryState;

use crate::lab::{Lab, eventually_true};
use crate::timeline::ensure_once;

pub(crate) async fn a_new_device_reads_the_history_with_the_recovery_key(
    lab: &mut Lab,
) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();

    let before = [lab.secret("Written by Anna"), lab.secret("Written by Ben")];
    anna.say(id, &before[0]).await?;
    ben.reads(id, &before[0]).await?;
    ben.say(id, &before[1]).await?;
    anna.reads(id, &before[1]).await?;

    let recovery = anna.client.encryption().recovery();
    let key = recovery
        .enable()
        .wait_for_backups_to_upload()
        .await
        .context("can't enable recovery")?;
    eventually_true("the first device says that recovery is set up", async || {
        Ok(anna.client.encryption().recovery().state() == RecoveryState::Enabled)
    })
    .await?;

    // A third person's first words come with a key that nobody has backed up yet.
    let clara = lab.register("clara.conrad").await?;
    room.invite_user_by_id(clara.user_id()).await?;
    clara.accept(id).await?;
    let after = lab.secret("Written by Clara");
    clara.say(id, &after).await?;
    anna.reads(id, &after).await?;
    let steady = anna.client.encryption().backups();
    steady
        .wait_for_steady_state()
        .await
        .context("the later key is not backed up")?;

    let new = lab.log_in("anna.albrecht").await?;
    new.room(id, RoomState::Joined).await?;
    let unreadable = new.unreadable(id).await?;
    ensure!(
        unreadable.len() == 3,
        "a device without keys can't read {} messages",
        unreadable.len()
    );

    let recovery = new.client.encryption().recovery();
    let wrong = recovery
        .recover("EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d")
        .await;
    ensure!(wrong.is_err(), "another recovery key was accepted");
    recovery.recover(&key).await.context("can't recover")?;
    eventually_true("the new device says that it has recovered", async || {
        Ok(recovery.state() == RecoveryState::Enabled)
    })
    .await?;
    let own = new.client.encryption().get_own_device().await?;
    ensure!(
        own.is_some_and(|own| own.is_cross_signed_by_owner()),
        "the new device is not cross-signed after recovery"
    );

    new.client
        .encryption()
        .backups()
        .download_room_keys_for_room(id)
        .await?;
    let history = new.history(id).await?;
    ensure_once(&history, &[&before[0], &before[1], &after])?;
    let unreadable = new.unreadable(id).await?;
    ensure!(unreadable.is_empty(), "still unreadable: {unreadable:?}");

    // From now on it is a device like the others.
    let reply = lab.secret("Written by Anna's new device");
    new.say(id, &reply).await?;
    ben.reads(id, &reply).await?;
    anna.reads(id, &reply).await?;
    Ok(())
}
