-- What an administrator took from an account; both can be given back.
ALTER TABLE users ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;      -- can't be used at all
ALTER TABLE users ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;   -- may read, but not take part

-- Further fields of profiles, such as m.tz.
CREATE TABLE profile_fields (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,              -- JSON of any kind
    PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;

-- Tokens that live for minutes and are no access tokens.
CREATE TABLE short_tokens (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the token
    kind TEXT NOT NULL,               -- login: for one sign-in; openid: says to others who somebody is
    user_id TEXT NOT NULL,
    expires_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX short_tokens_by_user ON short_tokens (user_id);

-- What people reported to the administrators. The same report again takes the place of the one before.
CREATE TABLE reports (
    nid SERIAL_KEY,
    reporter TEXT NOT NULL,
    room_id TEXT NOT NULL,            -- empty: about a person
    target TEXT NOT NULL,             -- event id or user id; empty: about the room
    reason TEXT NOT NULL,
    created_ts INTEGER NOT NULL,
    UNIQUE (reporter, room_id, target)
) STRICT;

-- The one room in which the server speaks to a person.
CREATE TABLE notice_rooms (
    user_id TEXT PRIMARY KEY,
    room_nid INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
