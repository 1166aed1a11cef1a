//! Which servers are in which rooms: those with a joined member.

use std::collections::BTreeMap;

use ruma::{OwnedServerName, OwnedUserId, ServerName, UserId};

use crate::{
    Result, RoomNid, StoreError, StreamPos, Tx,
    value::{Row, Value, params},
};

/// A server with joined members in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomServer {
    /// Its name.
    pub server: OwnedServerName,
    /// How many of its users are joined; at least one.
    pub joined: i64,
    /// When the first of them joined. The server was there at every event with a higher position.
    pub since: StreamPos,
}

/// A column with a server name.
pub(crate) fn server_name(row: &Row, index: usize) -> Result<OwnedServerName> {
    let not_a_name = |_| StoreError::inconsistent("?", "server", "not a server name");
    OwnedServerName::try_from(row.get::<String>(index)?).map_err(not_a_name)
}

fn room_server(row: &Row) -> Result<RoomServer> {
    Ok(RoomServer {
        server: server_name(row, 0)?,
        joined: row.get(1)?,
        since: row.get(2)?,
    })
}

const LIST: &str = "SELECT server, joined, since_pos FROM room_servers WHERE room_nid = $1 ORDER BY server";

impl Tx<'_> {
    /// The servers in a room, this one among them if it has members there, in the order of their names.
    pub async fn room_servers(&mut self, room: RoomNid) -> Result<Vec<RoomServer>> {
        let rows = self.query(LIST, params![room]).await?;
        rows.iter().map(room_server).collect()
    }

    /// The same for each of these rooms, in their order.
    pub async fn room_servers_each(&mut self, rooms: &[RoomNid]) -> Result<Vec<Vec<RoomServer>>> {
        let keys: Vec<Vec<Value<'_>>> = rooms.iter().map(|room| vec![(*room).into()]).collect();
        let found = self.query_each(LIST, &keys).await?;
        let servers = |rows: &Vec<Row>| rows.iter().map(room_server).collect();
        found.iter().map(servers).collect()
    }

    /// Servers of others that left one of these rooms lately, in the order of the rooms: name, when the first of their users
    /// joined, and when the last one left.
    pub async fn room_servers_left_each(
        &mut self,
        rooms: &[RoomNid],
    ) -> Result<Vec<Vec<(OwnedServerName, StreamPos, StreamPos)>>> {
        let sql = "SELECT server, since_pos, left_pos FROM room_servers_left WHERE room_nid = $1";
        let keys: Vec<Vec<Value<'_>>> = rooms.iter().map(|room| vec![(*room).into()]).collect();
        let found = self.query_each(sql, &keys).await?;
        let left = |row: &Row| Ok((server_name(row, 0)?, row.get(1)?, row.get(2)?));
        let servers = |rows: &Vec<Row>| rows.iter().map(left).collect();
        found.iter().map(servers).collect()
    }

    /// Forgets which servers left rooms, up to and including `upto`.
    pub async fn room_servers_left_forget(&mut self, upto: StreamPos) -> Result<()> {
        let sql = "DELETE FROM room_servers_left WHERE left_pos <= $1";
        self.put(sql, params![upto]).await
    }

    /// A server's place in a room. `None`: it has nobody there.
    pub async fn room_server_get(
        &mut self,
        room: RoomNid,
        server: &ServerName,
    ) -> Result<Option<RoomServer>> {
        let sql = "SELECT server, joined, since_pos FROM room_servers WHERE room_nid = $1 AND server = $2";
        let row = self.query_opt(sql, params![room, server.as_str()]).await?;
        row.as_ref().map(room_server).transpose()
    }

    /// The servers, but for `own`, that are in a room together with a user, for each of these users. Looks at all rooms of the
    /// users: for rare questions.
    pub async fn room_servers_of_each(
        &mut self,
        users: &[OwnedUserId],
        own: &ServerName,
    ) -> Result<Vec<Vec<OwnedServerName>>> {
        let sql = "SELECT DISTINCT s.server FROM memberships m JOIN room_servers s ON s.room_nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership = 'join' AND s.server <> $2 ORDER BY s.server";
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user| vec![user.into(), own.as_str().into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        let servers = |rows: &Vec<Row>| rows.iter().map(|row| server_name(row, 0)).collect();
        found.iter().map(servers).collect()
    }

    /// The servers, but for `own`, that are in a room together with a user.
    pub async fn room_servers_of(&mut self, user: &UserId, own: &ServerName) -> Result<Vec<OwnedServerName>> {
        let found = self.room_servers_of_each(&[user.to_owned()], own).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Counts the servers of a room anew from its memberships, where many of those were written at once and not by
    /// [`Tx::membership_put`]. Reads all joined members.
    pub async fn room_servers_recount(&mut self, room: RoomNid) -> Result<()> {
        let sql = "SELECT user_id, since_pos FROM memberships WHERE room_nid = $1 AND membership = 'join'";
        let mut servers: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for row in self.query(sql, params![room]).await? {
            let (user, since): (OwnedUserId, i64) = (row.get(0)?, row.get(1)?);
            let (joined, first) = servers
                .entry(user.server_name().to_string())
                .or_insert((0, since));
            *joined += 1;
            *first = since.min(*first);
        }
        self.put("DELETE FROM room_servers WHERE room_nid = $1", params![room])
            .await?;
        let sql = "INSERT INTO room_servers (room_nid, server, joined, since_pos) VALUES ($1, $2, $3, $4)";
        let rows: Vec<Vec<Value<'_>>> = servers
            .iter()
            .map(|(server, (joined, since))| {
                vec![room.into(), server.into(), (*joined).into(), (*since).into()]
            })
            .collect();
        self.execute_each(sql, &rows).await
    }
}
