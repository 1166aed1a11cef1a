//! Names and pictures of people.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, StreamPos, Tx,
    value::{Row, Value, params},
};

/// What others see of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name on screen.
    pub display_name: Option<String>,
    /// An `mxc://` address.
    pub avatar_url: Option<String>,
}

/// All that others see of a person.
#[derive(Clone, Debug, Default)]
pub struct FullProfileRow {
    /// Name and picture.
    pub profile: Profile,
    /// Further fields with their values as JSON, in the order of their names.
    pub fields: Vec<(String, String)>,
}

fn profile(row: &Row, from: usize) -> Result<Profile> {
    Ok(Profile {
        display_name: row.get(from)?,
        avatar_url: row.get(from + 1)?,
    })
}

/// An account without a profile is found by its localpart, which the engines cut out in their own ways.
macro_rules! search {
    ($localpart:literal, $who:literal) => {
        concat!(
            "SELECT user_id, display_name, avatar_url FROM (SELECT u.user_id, p.display_name, p.avatar_url, \
             COALESCE(p.search_name, LOWER(",
            $localpart,
            ")) AS name FROM users u LEFT JOIN profiles p ON p.user_id = u.user_id WHERE u.state = 'active' \
             AND u.kind <> 'guest'",
            $who,
            ") AS found \
             WHERE name LIKE $1 ESCAPE '\\' AND name LIKE $2 ESCAPE '\\' AND name LIKE $3 ESCAPE '\\' \
             AND name LIKE $4 ESCAPE '\\' ORDER BY name, user_id LIMIT $5"
        )
    };
}

/// The patterns of a search term.
fn words(term: &str) -> [String; 4] {
    let escaped = term
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let mut words = escaped.split_whitespace().map(|word| format!("%{word}%"));
    std::array::from_fn(|_| words.next().unwrap_or_else(|| "%".to_owned()))
}

impl Tx<'_> {
    /// The profile of a user, empty when none was set.
    pub async fn profile_get(&mut self, user_id: &UserId) -> Result<Profile> {
        let sql = "SELECT display_name, avatar_url FROM profiles WHERE user_id = $1";
        let row = self.query_opt(sql, params![user_id]).await?;
        Ok(row.map(|row| profile(&row, 0)).transpose()?.unwrap_or_default())
    }

    /// Sets the profile of a user.
    pub async fn profile_put(&mut self, user_id: &UserId, profile: &Profile) -> Result<()> {
        let name = profile.display_name.as_deref().unwrap_or_default();
        let search_name = format!("{name} {}", user_id.localpart()).to_lowercase();
        let sql = "INSERT INTO profiles (user_id, display_name, avatar_url, search_name) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, \
                   avatar_url = excluded.avatar_url, search_name = excluded.search_name";
        let (name, avatar) = (profile.display_name.as_ref(), profile.avatar_url.as_ref());
        self.execute(sql, params![user_id, name, avatar, &search_name])
            .await?;
        Ok(())
    }

    /// Removes the profile of a user.
    pub async fn profile_delete(&mut self, user_id: &UserId) -> Result<()> {
        let who: &[_] = params![user_id];
        self.execute_all(&[
            ("DELETE FROM profiles WHERE user_id = $1", who),
            ("DELETE FROM profile_fields WHERE user_id = $1", who),
        ])
        .await
    }

    /// Notes that a field of a profile was set, changed or removed.
    pub async fn profile_change_put(&mut self, user_id: &UserId, name: &str, pos: StreamPos) -> Result<()> {
        let sql = "INSERT INTO profile_changes (user_id, name, pos) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, name) DO UPDATE SET pos = excluded.pos";
        self.put(sql, params![user_id, name, pos]).await
    }

    /// Which fields of whose profiles changed after `after` up to and including `upto`, among `viewer` and those who
    /// share a room with them. Of more than `limit` the newest.
    pub async fn profile_change_list(
        &mut self,
        viewer: &UserId,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<(OwnedUserId, String)>> {
        let sql = "SELECT c.user_id, c.name FROM profile_changes c WHERE c.pos > $2 AND c.pos <= $3 \
                   AND (c.user_id = $1 OR EXISTS (SELECT 1 FROM memberships a JOIN memberships b \
                   ON b.room_nid = a.room_nid WHERE a.user_id = c.user_id AND a.membership = 'join' \
                   AND b.user_id = $1 AND b.membership = 'join')) ORDER BY c.pos DESC LIMIT $4";
        let rows = self.query(sql, params![viewer, after, upto, limit]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// The profiles of many users with their further fields, in the given order.
    pub async fn profile_get_each(&mut self, users: &[OwnedUserId]) -> Result<Vec<FullProfileRow>> {
        let keys: Vec<Vec<Value<'_>>> = users.iter().map(|user_id| vec![user_id.into()]).collect();
        let profiles = "SELECT display_name, avatar_url FROM profiles WHERE user_id = $1";
        let profiles = self.query_each(profiles, &keys).await?;
        let fields = "SELECT name, value FROM profile_fields WHERE user_id = $1 ORDER BY name";
        let fields = self.query_each(fields, &keys).await?;
        let mut found = Vec::with_capacity(users.len());
        for (rows, fields) in profiles.iter().zip(&fields) {
            let profile = rows.first().map(|row| profile(row, 0)).transpose()?;
            let fields = fields.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
            found.push(FullProfileRow {
                profile: profile.unwrap_or_default(),
                fields: fields.collect::<Result<_>>()?,
            });
        }
        Ok(found)
    }

    /// The further fields of a profile with their values as JSON, in the order of their names.
    pub async fn profile_fields(&mut self, user_id: &UserId) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, value FROM profile_fields WHERE user_id = $1 ORDER BY name";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Sets a further field of a profile.
    pub async fn profile_field_put(&mut self, user_id: &UserId, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT INTO profile_fields (user_id, name, value) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value";
        self.execute(sql, params![user_id, name, value]).await?;
        Ok(())
    }

    /// Removes a further field of a profile.
    pub async fn profile_field_delete(&mut self, user_id: &UserId, name: &str) -> Result<()> {
        let sql = "DELETE FROM profile_fields WHERE user_id = $1 AND name = $2";
        self.execute(sql, params![user_id, name]).await?;
        Ok(())
    }

    /// Active accounts of this server, guests left out, whose name or localpart contains each of the words, in the order of their
    /// names. Words are lower-cased by this method; more than four are not looked at.
    pub async fn profile_search(&mut self, term: &str, limit: u32) -> Result<Vec<(OwnedUserId, Profile)>> {
        let sql = self.choose(
            search!("SUBSTR(u.user_id, 2, INSTR(u.user_id, ':') - 2)", ""),
            search!("SPLIT_PART(SUBSTR(u.user_id, 2), ':', 1)", ""),
        );
        let [one, two, three, four] = &words(term);
        let rows = self.query(sql, params![one, two, three, four, limit]).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, profile(row, 1)?)))
            .collect()
    }

    /// The same among those who are in a room together with `user_id`.
    pub async fn profile_search_sharing(
        &mut self,
        user_id: &UserId,
        term: &str,
        limit: u32,
    ) -> Result<Vec<(OwnedUserId, Profile)>> {
        let sql = self.choose(
            search!(
                "SUBSTR(u.user_id, 2, INSTR(u.user_id, ':') - 2)",
                " AND EXISTS (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                 WHERE a.user_id = $6 AND a.membership = 'join' AND b.user_id = u.user_id AND b.membership = 'join')"
            ),
            search!(
                "SPLIT_PART(SUBSTR(u.user_id, 2), ':', 1)",
                " AND EXISTS (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                 WHERE a.user_id = $6 AND a.membership = 'join' AND b.user_id = u.user_id AND b.membership = 'join')"
            ),
        );
        let [one, two, three, four] = &words(term);
        let rows = self
            .query(sql, params![one, two, three, four, limit, user_id])
            .await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, profile(row, 1)?)))
            .collect()
    }
}
