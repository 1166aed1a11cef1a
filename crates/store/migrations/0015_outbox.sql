-- Which servers have joined members in a room, this one included. Kept together with the memberships.
CREATE TABLE room_servers (
    room_nid INTEGER NOT NULL,
    server TEXT NOT NULL,
    joined INTEGER NOT NULL,          -- how many of its users are joined
    since_pos INTEGER NOT NULL,       -- when the first of them joined
    PRIMARY KEY (room_nid, server)
) STRICT, WITHOUT ROWID;
-- The server is what stands behind the first colon of a user id.
INSERT INTO room_servers (room_nid, server, joined, since_pos)
    SELECT room_nid, SUBSTR(LTRIM(user_id, '@abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=-/+'), 2),
        COUNT(*), MIN(since_pos)
    FROM memberships WHERE membership = 'join' GROUP BY 1, 2;

-- Servers that left a room lately, until it was written down what they are to be told of the time when they were there.
CREATE TABLE room_servers_left (
    room_nid INTEGER NOT NULL,
    server TEXT NOT NULL,
    since_pos INTEGER NOT NULL,       -- when the first of its users joined
    left_pos INTEGER NOT NULL,        -- when the last one left
    PRIMARY KEY (room_nid, server)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_servers_left_by_pos ON room_servers_left (left_pos);

-- Events whose way to the other servers isn't the usual one, where senders tell others of their own events.
CREATE TABLE passed_events (
    event_nid INTEGER PRIMARY KEY,
    by_us INTEGER NOT NULL            -- 1: of another server, handed to us to be passed on; 0: ours, handed to another
) STRICT;

-- Events that other servers are still to be told, in order.
CREATE TABLE outbox_events (
    destination TEXT NOT NULL,
    event_nid INTEGER NOT NULL,
    room_nid INTEGER NOT NULL,
    about_them INTEGER NOT NULL,      -- one of their users was put out of the room: told even when they left it
    PRIMARY KEY (destination, event_nid)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_events_by_room ON outbox_events (destination, room_nid, event_nid);

-- Other news that must arrive, in order.
CREATE TABLE outbox_edus (
    nid SERIAL_KEY,
    destination TEXT NOT NULL,
    subject TEXT NOT NULL,            -- newer news of the same subject take its place; empty: never
    created_ts INTEGER NOT NULL,
    edu TEXT NOT NULL                 -- JSON object: edu_type, content
) STRICT;
CREATE INDEX outbox_edus_by_destination ON outbox_edus (destination, nid);
CREATE INDEX outbox_edus_by_subject ON outbox_edus (destination, subject) WHERE subject <> '';
CREATE INDEX outbox_edus_by_time ON outbox_edus (created_ts);

-- How it stands with the servers that were told something.
CREATE TABLE destinations (
    server TEXT PRIMARY KEY,
    waiting INTEGER NOT NULL,         -- 1: it has rows in the outbox
    leased_ts INTEGER NOT NULL,       -- until then one node sends to it
    retry_ts INTEGER NOT NULL,        -- not before then; 0: it answers
    failing_since_ts INTEGER NOT NULL, -- 0: it answers
    failures INTEGER NOT NULL,        -- attempts since then
    attempt_ts INTEGER,               -- NULL, or when the transaction that failed was made: it is repeated
    attempt_event INTEGER,            -- the last event in it; NULL: none
    attempt_edu INTEGER               -- the last other news in it; NULL: none
) STRICT, WITHOUT ROWID;
CREATE INDEX destinations_by_time ON destinations (waiting, retry_ts);

-- What other servers were told last of the devices and identities of people here.
CREATE TABLE told_devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,          -- empty: the identity
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, device_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE told_device_lists (
    user_id TEXT PRIMARY KEY,
    stream_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages between devices that other servers sent: one that comes again is taken once.
CREATE TABLE edu_messages (
    origin TEXT NOT NULL,
    message_id TEXT NOT NULL,
    created_ts INTEGER NOT NULL,
    PRIMARY KEY (origin, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX edu_messages_by_time ON edu_messages (created_ts);
