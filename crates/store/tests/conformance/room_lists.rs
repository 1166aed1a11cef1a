//! The rooms of a user as a list.

use rohrpost_store::{EventNid, NewMembership, RoomRow};
use ruma::events::room::member::MembershipState;

use crate::{
    memberships::put,
    support::{alice, bob, event_id, on_both, pos, read, room, room_id, tx},
};

#[test]
fn a_list_has_what_concerns_the_user_and_not_what_they_left() {
    on_both(async |db| {
        let rooms = tx!(db, |tx| {
            let mut rooms = Vec::new();
            for (name, membership, at) in [
                ("joined", MembershipState::Join, 1),
                ("invited", MembershipState::Invite, 2),
                ("knocked", MembershipState::Knock, 3),
                ("left", MembershipState::Leave, 4),
            ] {
                let nid = room(tx, name).await?;
                put(tx, nid, &alice(), &membership, at).await?;
                rooms.push(nid);
            }
            for name in ["kicked", "forgotten"] {
                let nid = room(tx, name).await?;
                let new = NewMembership {
                    user_id: &alice(),
                    membership: &MembershipState::Leave,
                    event: EventNid(5),
                    sender: &bob(),
                    pos: pos(5),
                    is_direct: false,
                    is_local: true,
                };
                tx.membership_put(nid, &new).await?;
                rooms.push(nid);
            }
            assert!(tx.membership_forget(&alice(), rooms[5]).await?);
            rooms
        });
        let wanted = rooms.clone();
        let (list, some, others) = read!(db, |tx| {
            let list = tx.room_list_of(&alice()).await?;
            let some = tx.room_list_some(&alice(), &[wanted[3], wanted[5]]).await?;
            (list, some, tx.room_list_of(&bob()).await?)
        });
        let mut list: Vec<_> = list.iter().map(|listed| listed.member.room).collect();
        list.sort_unstable();
        assert_eq!(list, [rooms[0], rooms[1], rooms[2], rooms[4]]);
        assert_eq!(some.len(), 2);
        assert!(some[1].member.forgotten);
        assert!(others.is_empty());
    });
}

#[test]
fn a_room_keeps_where_its_last_activity_was() {
    on_both(async |db| {
        let (row, listed) = tx!(db, |tx| {
            let nid = room(tx, "a").await?;
            put(tx, nid, &alice(), &MembershipState::Join, 1).await?;
            let head = tx.room_get(&room_id("a")).await?.unwrap();
            assert_eq!(head.bump_pos, pos(0));
            let head = RoomRow {
                last_pos: pos(9),
                bump_pos: pos(7),
                ever_encrypted: true,
                ..head
            };
            tx.room_advance(&head, EventNid(9), &event_id(9)).await?;
            let listed = tx.room_list_some(&alice(), &[nid]).await?;
            let numbers = tx.room_numbers(&[&room_id("b"), &room_id("a")]).await?;
            assert_eq!(numbers, [(room_id("a"), nid)]);
            (tx.room_get_by_nid(nid).await?.unwrap(), listed)
        });
        assert_eq!((row.last_pos, row.bump_pos), (pos(9), pos(7)));
        assert_eq!(listed[0].last_pos, pos(9));
        assert!(listed[0].ever_encrypted && listed[0].kind.is_none());
    });
}
