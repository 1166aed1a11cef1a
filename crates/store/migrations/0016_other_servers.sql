-- The rooms of a server: an event that another server asks for by its id is looked for in those alone.
CREATE INDEX room_servers_by_server ON room_servers (server);

-- Devices and identities of people of other servers, as those servers told. What is kept is used while they share a room
-- with somebody here ever since, and nothing was heard of a change.
CREATE TABLE remote_keys (
    user_id TEXT PRIMARY KEY,
    fetched_pos INTEGER NOT NULL,     -- where the stream was before they were asked for
    fetched_ts INTEGER NOT NULL,
    keys TEXT NOT NULL                -- JSON, as it was checked
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_keys_by_ts ON remote_keys (fetched_ts);

-- Files of other servers that were fetched for somebody here.
CREATE TABLE remote_media (
    server TEXT NOT NULL,
    media_id TEXT NOT NULL,
    for_user TEXT NOT NULL,           -- who wanted it first: it counts for what they may have within a day
    content_type TEXT,                -- NULL: not told
    file_name TEXT,                   -- NULL: not told
    size_bytes INTEGER NOT NULL,
    hash TEXT NOT NULL,               -- SHA-256 of the content, hexadecimal: its name in the blob store
    fetched_ts INTEGER NOT NULL,
    PRIMARY KEY (server, media_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_media_by_user ON remote_media (for_user, fetched_ts);
CREATE INDEX remote_media_by_hash ON remote_media (hash);
