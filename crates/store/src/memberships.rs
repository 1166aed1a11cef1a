//! Who is in which room.

use ruma::{OwnedRoomId, OwnedUserId, UserId, events::room::member::MembershipState};

use crate::{
    EventNid, Result, RoomNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// A user's membership of a room.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The user.
    pub user_id: OwnedUserId,
    /// The room.
    pub room: RoomNid,
    /// The membership.
    pub membership: MembershipState,
    /// The member event.
    pub event: EventNid,
    /// Who sent the member event.
    pub sender: OwnedUserId,
    /// When the member event last changed.
    pub pos: StreamPos,
    /// When the membership came to its present value; a new display name doesn't move it.
    pub since: StreamPos,
    /// Left and wants to hear nothing more of it.
    pub forgotten: bool,
}

/// A new member event's effect.
#[derive(Clone, Debug)]
pub struct NewMembership<'a> {
    /// The user.
    pub user_id: &'a UserId,
    /// The membership.
    pub membership: &'a MembershipState,
    /// The member event.
    pub event: EventNid,
    /// Who sent it.
    pub sender: &'a UserId,
    /// Its position.
    pub pos: StreamPos,
    /// The invitation said that the room is for two.
    pub is_direct: bool,
    /// A user of this server.
    pub is_local: bool,
}

fn member(row: &Row) -> Result<MemberRow> {
    Ok(MemberRow {
        user_id: row.get(0)?,
        room: row.get(1)?,
        membership: row.get::<String>(2)?.into(),
        event: row.get(3)?,
        sender: row.get(4)?,
        pos: row.get(5)?,
        since: row.get(6)?,
        forgotten: row.get(7)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT user_id, room_nid, membership, event_nid, sender, pos, since_pos, forgotten FROM memberships ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Notes a membership, and with it which servers are in the room. `forgotten` is cleared by a join, an invitation and
    /// a knock.
    pub async fn membership_put(&mut self, room: RoomNid, new: &NewMembership<'_>) -> Result<()> {
        self.membership_put_each(room, std::slice::from_ref(new)).await
    }

    /// The same for several memberships.
    pub async fn membership_put_each(&mut self, room: RoomNid, new: &[NewMembership<'_>]) -> Result<()> {
        let sql = "INSERT INTO memberships (user_id, room_nid, membership, event_nid, sender, pos, since_pos, is_direct, \
                   forgotten, is_local) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0, $8) \
                   ON CONFLICT (user_id, room_nid) DO UPDATE SET membership = excluded.membership, \
                   event_nid = excluded.event_nid, sender = excluded.sender, pos = excluded.pos, \
                   is_direct = CASE WHEN excluded.is_direct = 1 THEN 1 ELSE memberships.is_direct END, \
                   since_pos = CASE WHEN memberships.membership = excluded.membership THEN memberships.since_pos \
                   ELSE excluded.since_pos END, \
                   forgotten = CASE WHEN excluded.membership IN ('leave', 'ban') THEN memberships.forgotten ELSE 0 END";
        // How many of a server's users are joined: one less if this one was, one more if they are now.
        let less = "UPDATE room_servers SET joined = joined - 1 WHERE room_nid = $1 AND server = $2 AND EXISTS \
                    (SELECT 1 FROM memberships WHERE user_id = $3 AND room_nid = $1 AND membership = 'join')";
        let more = "INSERT INTO room_servers (room_nid, server, joined, since_pos) VALUES ($1, $2, 1, $3) \
                    ON CONFLICT (room_nid, server) DO UPDATE SET joined = room_servers.joined + 1";
        let left = "INSERT INTO room_servers_left (room_nid, server, since_pos, left_pos) \
                    SELECT room_nid, server, since_pos, CAST($3 AS BIGINT) FROM room_servers \
                    WHERE room_nid = $1 AND server = $2 AND joined <= 0 ON CONFLICT (room_nid, server) DO UPDATE SET \
                    since_pos = excluded.since_pos, left_pos = excluded.left_pos";
        let none = "DELETE FROM room_servers WHERE room_nid = $1 AND server = $2 AND joined <= 0";
        let mut statements: Vec<(&'static str, Vec<Value<'_>>)> = Vec::with_capacity(4 * new.len());
        for new in new {
            let server = new.user_id.server_name().as_str();
            statements.push((less, params![room, server, new.user_id].to_vec()));
            let values = params![
                new.user_id,
                room,
                new.membership.as_str(),
                new.event,
                new.sender,
                new.pos,
                new.is_direct,
                new.is_local
            ];
            statements.push((sql, values.to_vec()));
            let at = params![room, server, new.pos].to_vec();
            match new.membership {
                MembershipState::Join => statements.push((more, at)),
                _ => {
                    if !new.is_local {
                        statements.push((left, at));
                    }
                    statements.push((none, params![room, server].to_vec()));
                }
            }
        }
        let statements: Vec<_> = statements
            .iter()
            .map(|(sql, values)| (*sql, values.as_slice()))
            .collect();
        self.execute_all(&statements).await
    }

    /// A user's membership of a room.
    pub async fn membership_get(&mut self, user_id: &UserId, room: RoomNid) -> Result<Option<MemberRow>> {
        let sql = select!("WHERE user_id = $1 AND room_nid = $2");
        self.query_opt(sql, params![user_id, room])
            .await?
            .as_ref()
            .map(member)
            .transpose()
    }

    /// All memberships of a user, of any kind.
    pub async fn membership_list(&mut self, user_id: &UserId) -> Result<Vec<MemberRow>> {
        self.query(select!("WHERE user_id = $1"), params![user_id])
            .await?
            .iter()
            .map(member)
            .collect()
    }

    /// Memberships of a user of one kind.
    pub async fn membership_list_of(
        &mut self,
        user_id: &UserId,
        membership: &MembershipState,
    ) -> Result<Vec<MemberRow>> {
        let sql = select!("WHERE user_id = $1 AND membership = $2");
        self.query(sql, params![user_id, membership.as_str()])
            .await?
            .iter()
            .map(member)
            .collect()
    }

    /// Memberships of a user whose member event changed after `after` up to and including `upto`.
    pub async fn membership_list_changed(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<MemberRow>> {
        let sql = select!("WHERE user_id = $1 AND pos > $2 AND pos <= $3");
        self.query(sql, params![user_id, after, upto])
            .await?
            .iter()
            .map(member)
            .collect()
    }

    /// The joined rooms of a user whose newest event is after `after`. Costs one look-up per joined room: meant
    /// for syncs that come back after a long time.
    pub async fn membership_rooms_active(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
    ) -> Result<Vec<RoomNid>> {
        let sql = "SELECT m.room_nid FROM memberships m JOIN rooms r ON r.nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership = 'join' AND r.last_pos > $2";
        self.query(sql, params![user_id, after])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The joined rooms of a user, those where something happened last first. Costs one look-up per joined room.
    pub async fn membership_list_recent(
        &mut self,
        user_id: &UserId,
        limit: u32,
    ) -> Result<Vec<(MemberRow, OwnedRoomId)>> {
        let sql = "SELECT m.user_id, m.room_nid, m.membership, m.event_nid, m.sender, m.pos, m.since_pos, m.forgotten, \
                   r.room_id FROM memberships m JOIN rooms r ON r.nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership = 'join' ORDER BY r.last_pos DESC, r.nid LIMIT $2";
        let rows = self.query(sql, params![user_id, limit]).await?;
        rows.iter().map(|row| Ok((member(row)?, row.get(8)?))).collect()
    }

    /// The members of a room with this membership.
    pub async fn membership_list_in(
        &mut self,
        room: RoomNid,
        membership: &MembershipState,
    ) -> Result<Vec<MemberRow>> {
        let sql = select!("WHERE room_nid = $1 AND membership = $2");
        self.query(sql, params![room, membership.as_str()])
            .await?
            .iter()
            .map(member)
            .collect()
    }

    /// Users of this server that are joined to a room, in order.
    pub async fn membership_local_joined(&mut self, room: RoomNid) -> Result<Vec<OwnedUserId>> {
        let sql =
            "SELECT user_id FROM memberships WHERE room_nid = $1 AND membership = 'join' AND is_local = 1";
        self.sorted_users(sql, params![room]).await
    }

    /// How many members of a room have this membership.
    pub async fn membership_count(&mut self, room: RoomNid, membership: &MembershipState) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM memberships WHERE room_nid = $1 AND membership = $2";
        self.query_one(sql, params![room, membership.as_str()])
            .await?
            .get(0)
    }

    /// The first joined or invited members of a room other than `but`, in the order of their ids: for naming
    /// rooms that have no name.
    pub async fn membership_heroes(
        &mut self,
        room: RoomNid,
        but: &UserId,
        limit: u32,
    ) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT user_id FROM memberships WHERE room_nid = $1 AND membership IN ('join', 'invite') \
                   AND user_id <> $2 ORDER BY since_pos, user_id LIMIT $3";
        self.query(sql, params![room, but, limit])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The first members of a room who left or were banned: heroes where nobody else is.
    pub async fn membership_former_heroes(
        &mut self,
        room: RoomNid,
        but: &UserId,
        limit: u32,
    ) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT user_id FROM memberships WHERE room_nid = $1 AND membership IN ('leave', 'ban') \
                   AND user_id <> $2 ORDER BY since_pos, user_id LIMIT $3";
        self.query(sql, params![room, but, limit])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// Users of this server who are joined to a room together with `user_id`, in order, and `user_id` itself if
    /// it is joined to any.
    pub async fn membership_local_sharing(&mut self, user_id: &UserId) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = $1 AND a.membership = 'join' AND b.membership = 'join' AND b.is_local = 1";
        self.sorted_users(sql, params![user_id]).await
    }

    /// For each of these users those of this server who are joined to a room together with them, in no order.
    pub async fn membership_local_sharing_each(
        &mut self,
        user_ids: &[&UserId],
    ) -> Result<Vec<Vec<OwnedUserId>>> {
        let sql = "SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = $1 AND a.membership = 'join' AND b.membership = 'join' AND b.is_local = 1";
        let keys: Vec<Vec<Value<'_>>> = user_ids.iter().map(|user_id| vec![(*user_id).into()]).collect();
        let found = self.query_each(sql, &keys).await?;
        let users = |rows: &Vec<Row>| rows.iter().map(|row| row.get(0)).collect();
        found.iter().map(users).collect()
    }

    /// Users in the order of their ids as bytes, which a database's collation needn't be: others look them up by
    /// binary search.
    async fn sorted_users(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<OwnedUserId>> {
        let rows = self.query(sql, params).await?;
        let mut users: Vec<OwnedUserId> = rows.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        users.sort_unstable();
        Ok(users)
    }

    /// Rooms that two users are both joined to, in the order of their ids, those after `after`.
    pub async fn membership_mutual(
        &mut self,
        (one, other): (&UserId, &UserId),
        after: &str,
        limit: u32,
    ) -> Result<Vec<OwnedRoomId>> {
        let sql = "SELECT r.room_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   JOIN rooms r ON r.nid = a.room_nid WHERE a.user_id = $1 AND a.membership = 'join' \
                   AND b.user_id = $2 AND b.membership = 'join' AND r.room_id > $3 ORDER BY r.room_id LIMIT $4";
        self.query(sql, params![one, other, after, limit])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// How many rooms two users are both joined to.
    pub async fn membership_mutual_count(&mut self, one: &UserId, other: &UserId) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = $1 AND a.membership = 'join' AND b.user_id = $2 AND b.membership = 'join'";
        self.query_one(sql, params![one, other]).await?.get(0)
    }

    /// The room in which the server speaks to a person.
    pub async fn notice_room_get(&mut self, user_id: &UserId) -> Result<Option<RoomNid>> {
        let sql = "SELECT room_nid FROM notice_rooms WHERE user_id = $1";
        let row = self.query_opt(sql, params![user_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Notes the room in which the server speaks to a person.
    pub async fn notice_room_put(&mut self, user_id: &UserId, room: RoomNid) -> Result<()> {
        let sql = "INSERT INTO notice_rooms (user_id, room_nid) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET room_nid = excluded.room_nid";
        self.execute(sql, params![user_id, room]).await?;
        Ok(())
    }

    /// How some users stand to a room; those who never had to do with it are left out.
    pub async fn membership_get_each(&mut self, room: RoomNid, users: &[&UserId]) -> Result<Vec<MemberRow>> {
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user_id| vec![(*user_id).into(), room.into()])
            .collect();
        let found = self
            .query_each(select!("WHERE user_id = $1 AND room_nid = $2"), &keys)
            .await?;
        found.iter().flatten().map(member).collect()
    }

    /// Those of `others` who are in a room together with a user.
    pub async fn membership_sharing_each(
        &mut self,
        user_id: &UserId,
        others: &[OwnedUserId],
    ) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = $2 AND b.user_id = $1 AND a.membership = 'join' AND b.membership = 'join' LIMIT 1";
        let keys: Vec<Vec<Value<'_>>> = others
            .iter()
            .map(|other| vec![other.into(), user_id.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }

    /// Whether two users are joined to a common room.
    pub async fn membership_is_sharing(&mut self, one: &UserId, other: &UserId) -> Result<bool> {
        let sql = "SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = $1 AND b.user_id = $2 AND a.membership = 'join' AND b.membership = 'join' LIMIT 1";
        Ok(self.query_opt(sql, params![one, other]).await?.is_some())
    }

    /// Whether a user is joined to at least one of these rooms.
    pub async fn membership_is_in_any(&mut self, user_id: &UserId, rooms: &[OwnedRoomId]) -> Result<bool> {
        let sql = "SELECT 1 FROM rooms r JOIN memberships m ON m.room_nid = r.nid \
                   WHERE r.room_id = $2 AND m.user_id = $1 AND m.membership = 'join'";
        let keys: Vec<Vec<Value<'_>>> = rooms
            .iter()
            .map(|room| vec![user_id.into(), room.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        Ok(found.iter().any(|rows| !rows.is_empty()))
    }

    /// Those of these rooms in which somebody of this server is joined.
    pub async fn membership_local_rooms(&mut self, rooms: &[OwnedRoomId]) -> Result<Vec<OwnedRoomId>> {
        let sql = "SELECT r.room_id FROM rooms r JOIN memberships m ON m.room_nid = r.nid \
                   WHERE r.room_id = $1 AND m.membership = 'join' AND m.is_local = 1 LIMIT 1";
        let keys: Vec<Vec<Value<'_>>> = rooms.iter().map(|room| vec![room.into()]).collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }

    /// Marks a left room as forgotten. `false`: the user isn't out of that room.
    pub async fn membership_forget(&mut self, user_id: &UserId, room: RoomNid) -> Result<bool> {
        let sql = "UPDATE memberships SET forgotten = 1 \
                   WHERE user_id = $1 AND room_nid = $2 AND membership IN ('leave', 'ban')";
        Ok(self.execute(sql, params![user_id, room]).await? == 1)
    }
}
