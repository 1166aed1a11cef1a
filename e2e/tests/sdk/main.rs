//! The Matrix Rust client library against the server that people start: a program, a folder, a configuration file.
//!
//! The library is nobody's of ours, so what it makes of our answers is what other clients make of them. Every test
//! runs on SQLite and on PostgreSQL, with a server of its own, and over `/sync` v3 or, in [`sliding`], sliding sync. Start with [`conversation`];
//! [`lab`] says what each test has around it. It starts the program that `ROHRPOST_BIN` names, or the one that
//! `cargo build` made, and makes its databases in the PostgreSQL that `ROHRPOST_TEST_POSTGRES` names. In [`interop`] there
//! is a Synapse beside it.

mod catching_up;
mod conversation;
mod database;
mod device;
mod device_removal;
mod directory;
mod files;
mod history_sharing;
mod interop;
mod lab;
mod notification;
mod policy;
mod proxy;
mod qr_sign_in;
mod recovery;
mod restart;
mod server;
mod session;
mod sliding;
mod threads;
mod timeline;
mod verification;

/// Each test once per engine, so that a failure names the engine.
macro_rules! on_both_engines {
    ($($part:ident :: $name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() -> anyhow::Result<()> {
                    crate::lab::Lab::on_sqlite(crate::$part::$name).await
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() -> anyhow::Result<()> {
                    crate::lab::Lab::on_postgres(crate::$part::$name).await
                }
            )+
        }
    };
}

on_both_engines! {
    conversation::two_people_read_what_the_other_wrote,
    conversation::replies_edits_reactions_and_redactions_arrive,
    catching_up::nothing_is_missing_or_doubled_after_a_long_absence,
    catching_up::unread_counts_follow_what_was_read,
    session::a_wrong_password_gives_no_device,
    session::a_refreshed_session_is_the_same_device,
    sliding::a_room_list_shows_invitations_messages_and_what_belongs_to_them,
    sliding::a_restart_costs_a_room_list_no_message,
    sliding::a_device_that_syncs_the_new_way_is_verified,
    threads::a_thread_is_listed_answered_and_read,
    history_sharing::who_is_invited_reads_what_was_written_before,
    notification::a_push_is_read_by_its_id,
    directory::somebody_finds_a_room_knocks_and_is_let_in,
    directory::a_space_shows_its_rooms,
    qr_sign_in::a_new_device_is_signed_in_by_a_code_that_an_old_one_shows,
    verification::a_second_device_is_verified_by_emoji,
    verification::two_people_verify_each_other_in_a_room_of_their_own,
    recovery::a_new_device_reads_the_history_with_the_recovery_key,
    restart::a_restart_in_the_middle_loses_and_doubles_nothing,
    files::a_file_arrives_and_the_server_cannot_read_it,
    policy::plaintext_is_refused_with_a_reason,
    policy::encryption_cannot_be_taken_away,
    device_removal::a_removed_device_gets_no_keys,
}

/// The same for tests with two servers: ours, on either engine, and Synapse.
macro_rules! with_synapse {
    ($($part:ident :: $name:ident),+ $(,)?) => {
        mod synapse_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() -> anyhow::Result<()> {
                    crate::interop::pair::Pair::on_sqlite(crate::interop::$part::$name).await
                }
            )+
        }

        mod synapse_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() -> anyhow::Result<()> {
                    crate::interop::pair::Pair::on_postgres(crate::interop::$part::$name).await
                }
            )+
        }
    };
}

with_synapse! {
    joining::a_room_is_joined_by_its_alias,
    joining::an_invitation_is_accepted_or_declined,
    joining::somebody_knocks_and_is_let_in,
    joining::nobody_gets_in_uninvited,
    moderation::state_power_and_redactions_are_the_same_on_both,
    moderation::who_is_removed_or_banned_hears_nothing_more,
    moderation::what_both_change_at_once_comes_out_the_same,
    history::five_hundred_older_messages_are_fetched_in_their_order,
    encryption::people_of_both_read_what_is_encrypted,
    media::a_file_is_had_from_the_other_server,
    rooms::members_of_a_space_enter_its_rooms,
    rooms::people_follow_a_room_to_its_next_version,
    people::names_aliases_and_public_rooms_are_found,
    people::typing_and_receipts_are_seen,
    outage::nothing_is_lost_while_synapse_is_away,
    outage::nothing_is_lost_while_our_server_is_away,
}
