//! The rooms of another server, and what is looked for in them.

use ruma::{EventId, OwnedUserId, ServerName, UserId};

use crate::{
    Result, RoomNid, Tx,
    value::{Value, params},
};

impl Tx<'_> {
    /// The room of an event, if it is one of those that a server is in. Costs one look-up for each of them.
    pub async fn server_room_of_event(
        &mut self,
        server: &ServerName,
        event_id: &EventId,
    ) -> Result<Option<RoomNid>> {
        // SQLite keeps the order of a CROSS JOIN: the rooms, and in each the event.
        let sql = "SELECT e.room_nid FROM room_servers s CROSS JOIN events e \
                   WHERE s.server = $1 AND e.room_nid = s.room_nid AND e.event_id = $2 LIMIT 1";
        let row = self.query_opt(sql, params![server.as_str(), event_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Those of `users` who are joined to a room in which a server is.
    pub async fn server_sharing_each(
        &mut self,
        server: &ServerName,
        users: &[&UserId],
    ) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT m.user_id FROM memberships m JOIN room_servers s ON s.room_nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership = 'join' AND s.server = $2 LIMIT 1";
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user_id| vec![(*user_id).into(), server.as_str().into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }

    /// Users of a server who have or had to do with a room, in no order.
    pub async fn server_people_in(
        &mut self,
        room: RoomNid,
        server: &ServerName,
        limit: u32,
    ) -> Result<Vec<OwnedUserId>> {
        // The end of the user id, compared to the letter: LIKE doesn't on SQLite.
        let sql = "SELECT user_id FROM memberships WHERE room_nid = $1 \
                   AND substr(user_id, length(user_id) - $2) = $3 LIMIT $4";
        let end = format!(":{server}");
        let length = u32::try_from(server.as_str().len()).unwrap_or(u32::MAX);
        let rows = self.query(sql, params![room, length, &end, limit]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
