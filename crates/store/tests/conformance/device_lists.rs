//! Whose devices changed, who came into sight and who went out of it.

use rohrpost_store::{EventNid, NewMembership, NewToDevice, Result, RoomNid, StreamPos, Tx};
use ruma::{OwnedUserId, UserId, device_id, events::room::member::MembershipState, owned_user_id};

use crate::support::{alice, bob, on_both, pos, tx};

fn carol() -> OwnedUserId {
    owned_user_id!("@carol:example.org")
}

async fn member(
    tx: &mut Tx<'_>,
    room: i64,
    user_id: &UserId,
    membership: MembershipState,
    at: i64,
) -> Result<()> {
    let new = NewMembership {
        user_id,
        membership: &membership,
        event: EventNid(at),
        sender: user_id,
        pos: StreamPos(at),
        is_direct: false,
        is_local: true,
    };
    tx.membership_put(RoomNid(room), &new).await
}

#[test]
fn a_signature_on_somebody_else_concerns_the_signer_alone() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob, carol) = (alice(), bob(), carol());
            for user in [&alice, &bob, &carol] {
                member(tx, 1, user, MembershipState::Join, 1).await?;
            }
            tx.signed_user_touch(&alice, &bob, pos(5)).await?;
            tx.signed_user_touch(&alice, &carol, pos(6)).await?;
            tx.signed_user_touch(&alice, &bob, pos(7)).await?;
            assert_eq!(
                tx.device_list_changed(&alice, pos(6), pos(7)).await?,
                vec![bob.clone()]
            );
            assert_eq!(tx.device_list_changed(&alice, pos(5), pos(6)).await?, vec![carol]);
            assert!(tx.device_list_changed(&alice, pos(7), pos(9)).await?.is_empty());
            assert!(tx.device_list_changed(&bob, pos(0), pos(9)).await?.is_empty());
        });
    });
}

#[test]
fn who_joins_comes_into_sight_and_who_leaves_goes_out_of_it() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob, carol) = (alice(), bob(), carol());
            member(tx, 1, &alice, MembershipState::Join, 1).await?;
            member(tx, 2, &alice, MembershipState::Join, 2).await?;
            member(tx, 1, &bob, MembershipState::Join, 3).await?;
            member(tx, 2, &bob, MembershipState::Join, 4).await?;
            member(tx, 1, &carol, MembershipState::Invite, 5).await?;
            assert_eq!(
                tx.device_list_joined(&alice, pos(2), pos(4)).await?,
                vec![bob.clone()]
            );
            assert!(tx.device_list_joined(&alice, pos(4), pos(5)).await?.is_empty());
            assert!(tx.device_list_left(&alice, pos(0), pos(5)).await?.is_empty());

            // Out of one room of two is still in sight.
            member(tx, 1, &bob, MembershipState::Leave, 6).await?;
            assert!(tx.device_list_left(&alice, pos(5), pos(6)).await?.is_empty());
            member(tx, 2, &alice, MembershipState::Leave, 7).await?;
            assert_eq!(
                tx.device_list_left(&alice, pos(6), pos(7)).await?,
                vec![bob.clone()]
            );
            assert_eq!(
                tx.device_list_left(&bob, pos(6), pos(7)).await?,
                vec![alice.clone()]
            );
            assert!(tx.device_list_left(&alice, pos(7), pos(9)).await?.is_empty());

            // Whoever comes to others sees all of them.
            member(tx, 2, &carol, MembershipState::Join, 8).await?;
            assert_eq!(tx.device_list_joined(&carol, pos(7), pos(8)).await?, vec![bob]);
        });
    });
}

#[test]
fn a_message_to_all_devices_leaves_out_the_one_that_has_its_own() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob, one, two) = (alice(), bob(), device_id!("ONE"), device_id!("TWO"));
            tx.device_insert(&alice, one, None, 1).await?;
            tx.device_insert(&alice, two, None, 1).await?;
            let to = |device_id, content| NewToDevice {
                user_id: &alice,
                device_id,
                sender: &bob,
                kind: "m.dummy",
                content,
            };
            tx.to_device_insert(&[to(None, "{\"n\":1}"), to(Some(one), "{\"n\":2}")], pos(1))
                .await?;
            for (device, content) in [(one, "{\"n\":2}"), (two, "{\"n\":1}")] {
                let found = tx.to_device_list(&alice, device, pos(1), 10).await?;
                assert_eq!(found.len(), 1);
                assert_eq!(found[0].content, content);
            }
        });
    });
}
