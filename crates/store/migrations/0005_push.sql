-- How far work that follows the stream has come.
CREATE TABLE walks (
    name TEXT PRIMARY KEY,            -- push
    pos INTEGER NOT NULL              -- everything up to here is done
) STRICT;

-- The key by which push services know this server (VAPID).
CREATE TABLE vapid_keys (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    private_key BLOB NOT NULL,        -- secret: a scalar of P-256, 32 bytes
    created_ts INTEGER NOT NULL
) STRICT;

-- Events that notified somebody who has a pusher, until they are read: what is still to be pushed, and the rooms in
-- which something is unread, for the number on the icon.
CREATE TABLE notified (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,
    pos INTEGER NOT NULL,             -- the event's number
    thread TEXT NOT NULL,             -- the root of its thread; empty: the main timeline
    highlight INTEGER NOT NULL,
    sound TEXT,                       -- NULL: silent
    ts INTEGER NOT NULL,              -- when it was found to notify
    PRIMARY KEY (user_id, room_nid, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX notified_by_pos ON notified (user_id, pos);

ALTER TABLE pushers ADD COLUMN due_pos INTEGER NOT NULL DEFAULT 0;   -- there is something to say up to here
ALTER TABLE pushers ADD COLUMN upto_pos INTEGER NOT NULL DEFAULT 0;  -- it was said up to here
ALTER TABLE pushers ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;  -- in a row
ALTER TABLE pushers ADD COLUMN retry_ts INTEGER NOT NULL DEFAULT 0;  -- not before
ALTER TABLE pushers ADD COLUMN badge INTEGER NOT NULL DEFAULT -1;    -- the number told last; -1: none
ALTER TABLE pushers ADD COLUMN ack_token TEXT;                       -- NULL: in use; else what the client has to show first
ALTER TABLE pushers ADD COLUMN ack_ts INTEGER NOT NULL DEFAULT 0;    -- until when it may show it
CREATE INDEX pushers_due ON pushers (retry_ts) WHERE due_pos > upto_pos;

-- E-mail addresses that people have shown to be theirs.
CREATE TABLE third_party_ids (
    user_id TEXT NOT NULL,
    address TEXT NOT NULL,            -- lower-cased
    validated_ts INTEGER NOT NULL,
    added_ts INTEGER NOT NULL,
    PRIMARY KEY (user_id, address)
) STRICT;
CREATE UNIQUE INDEX third_party_ids_by_address ON third_party_ids (address);

-- People who are showing that they can read mail at an address.
CREATE TABLE email_sessions (
    sid TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,            -- add, register, password
    address TEXT NOT NULL,            -- lower-cased
    secret_hash BLOB NOT NULL,        -- SHA-256 of the client's secret
    token_hash BLOB NOT NULL,         -- SHA-256 of what stands in the link
    send_attempt INTEGER NOT NULL,
    validated_ts INTEGER,             -- NULL: the link was not followed yet
    created_ts INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX email_sessions_by_secret ON email_sessions (address, purpose, secret_hash);

-- Mail that is still to be sent. Gone when the mail server took it.
CREATE TABLE mails (
    nid SERIAL_KEY,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,               -- may hold a link that is worth something until it is followed
    created_ts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    retry_ts INTEGER NOT NULL         -- not before
) STRICT;
CREATE INDEX mails_by_retry ON mails (retry_ts);
