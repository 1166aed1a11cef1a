-- The one counter of stream positions. Whoever takes a position holds this row until the commit, so positions
-- become visible in their order and without holes.
CREATE TABLE stream (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    pos INTEGER NOT NULL
) STRICT;
INSERT INTO stream (id, pos) VALUES (1, 0);

-- Our own keys for signing events; the newest that isn't expired signs.
CREATE TABLE signing_keys (
    key_id TEXT PRIMARY KEY,          -- such as ed25519:a1b2
    seed BLOB NOT NULL,               -- secret, 32 bytes
    created_ts INTEGER NOT NULL,      -- ms since the epoch, as all columns ending in _ts
    expired_ts INTEGER                -- NULL: in use
) STRICT;

-- Accounts of this server.
CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    password_hash TEXT,               -- Argon2id in PHC form; NULL: no sign-in by password
    administrator INTEGER NOT NULL,
    state TEXT NOT NULL,              -- active, deactivated
    kind TEXT NOT NULL,               -- user, guest
    created_ts INTEGER NOT NULL
) STRICT;

-- Names and pictures, of our users and of others that we learned about.
CREATE TABLE profiles (
    user_id TEXT PRIMARY KEY,
    display_name TEXT,
    avatar_url TEXT,
    search_name TEXT NOT NULL         -- lower-cased display name and localpart, for finding people
) STRICT;

CREATE TABLE devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    created_ts INTEGER NOT NULL,
    last_seen_ts INTEGER NOT NULL,    -- exact to the day only
    PRIMARY KEY (user_id, device_id)
) STRICT;

-- Access and refresh tokens, hashed. Tokens of one sign-in form a family: when an old refresh token is used
-- again, the whole family is revoked.
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the token
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    kind TEXT NOT NULL,               -- access, refresh
    family BLOB NOT NULL,
    expires_ts INTEGER,               -- NULL: until sign-out
    used_ts INTEGER,                  -- refresh tokens: when it was exchanged
    created_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_device ON tokens (user_id, device_id);
CREATE INDEX tokens_by_family ON tokens (family);

-- User-interactive authentication under way, bound to one operation, body and user.
CREATE TABLE uia_sessions (
    session TEXT PRIMARY KEY,
    operation TEXT NOT NULL,          -- method and path template
    body_hash BLOB NOT NULL,          -- SHA-256 of the request body without its auth
    user_id TEXT NOT NULL,            -- empty: not signed in (registration)
    completed TEXT NOT NULL,          -- stages done, space-separated
    param TEXT NOT NULL,              -- what a stage left for the operation, such as the invitation
    created_ts INTEGER NOT NULL
) STRICT;

-- Invitation links (registration tokens), hashed.
CREATE TABLE invitations (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the token
    uses_left INTEGER NOT NULL,
    administrator INTEGER NOT NULL,   -- whoever accepts becomes administrator
    created_by TEXT NOT NULL,         -- empty: the server itself, at first start
    created_ts INTEGER NOT NULL,
    expires_ts INTEGER NOT NULL
) STRICT;

CREATE TABLE rooms (
    nid SERIAL_KEY,
    room_id TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    kind TEXT,                        -- the create event's type, such as m.space
    tag INTEGER NOT NULL,             -- random; changes with every event, so that cached heads can be checked
    state_nid INTEGER NOT NULL,       -- the current state
    depth INTEGER NOT NULL,
    last_pos INTEGER NOT NULL,        -- position of the newest event
    ever_encrypted INTEGER NOT NULL,  -- sticky: never goes back to 0, whatever the state says
    is_public INTEGER NOT NULL        -- listed in the directory
) STRICT;

CREATE TABLE forward_extremities (
    room_nid INTEGER NOT NULL,
    event_nid INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    nid INTEGER PRIMARY KEY,          -- taken from the stream; equals pos for events that arrive in order
    room_nid INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    pos INTEGER,                      -- place in the room's timeline; NULL: known, but not part of it
    kind TEXT NOT NULL,
    state_key TEXT,                   -- NULL: not a state event
    sender TEXT NOT NULL,
    origin_server_ts INTEGER NOT NULL,
    state_before INTEGER NOT NULL,    -- the room's state before this event
    status INTEGER NOT NULL,          -- 0 accepted, 1 soft-failed, 2 rejected
    redacted_by TEXT,                 -- event id of the redaction that was applied
    txn_device TEXT,                  -- our own users: the device and transaction id it was sent with
    txn_id TEXT,
    replaces_nid INTEGER,             -- state events: the state event that this one took the place of
    json TEXT NOT NULL                -- canonical JSON, signed; redacted in place
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (room_nid, event_id);
CREATE UNIQUE INDEX events_by_pos ON events (room_nid, pos);
CREATE INDEX state_events_by_pos ON events (room_nid, pos) WHERE state_key IS NOT NULL;

-- Event types with state keys, interned.
CREATE TABLE state_keys (
    nid SERIAL_KEY,
    kind TEXT NOT NULL,
    state_key TEXT NOT NULL,
    UNIQUE (kind, state_key)
) STRICT;

-- Room states, content-addressed. A state is its parent with the pairs of this layer put over it; layers shrink
-- at least by half from parent to child, so a chain is short.
CREATE TABLE states (
    nid SERIAL_KEY,
    room_nid INTEGER NOT NULL,
    hash BLOB NOT NULL,               -- of the whole state, not of the layer
    parent INTEGER,                   -- NULL: the layer is the whole state
    layer BLOB NOT NULL,              -- pairs (state key, event), 16 bytes each, sorted; event 0: removed
    UNIQUE (room_nid, hash)
) STRICT;

-- The current state of each room, spelled out.
CREATE TABLE current_state (
    room_nid INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state_key TEXT NOT NULL,
    event_nid INTEGER NOT NULL,
    pos INTEGER NOT NULL,             -- when this entry last changed
    PRIMARY KEY (room_nid, kind, state_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX current_state_by_pos ON current_state (room_nid, pos);

CREATE TABLE memberships (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,
    membership TEXT NOT NULL,         -- join, invite, knock, leave, ban
    event_nid INTEGER NOT NULL,
    sender TEXT NOT NULL,
    pos INTEGER NOT NULL,             -- when the member event last changed
    since_pos INTEGER NOT NULL,       -- when the membership came to its present value
    is_direct INTEGER NOT NULL,       -- invited with is_direct
    forgotten INTEGER NOT NULL,
    is_local INTEGER NOT NULL,        -- a user of this server
    PRIMARY KEY (user_id, room_nid)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_room ON memberships (room_nid, membership);
CREATE INDEX memberships_by_pos ON memberships (user_id, pos);

-- Requests that were answered: a repeated one gets the same answer. Scope: one device and one endpoint.
CREATE TABLE txns (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,           -- such as send/!room:server/m.room.message
    txn_id TEXT NOT NULL,
    answer TEXT NOT NULL,             -- the event id, or empty
    created_ts INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id, endpoint, txn_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE room_aliases (
    alias TEXT PRIMARY KEY,
    room_nid INTEGER NOT NULL,
    creator TEXT NOT NULL
) STRICT;
CREATE INDEX room_aliases_by_room ON room_aliases (room_nid);

CREATE TABLE receipts (
    room_nid INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,               -- m.read, m.read.private
    thread TEXT NOT NULL,             -- empty: unthreaded; else main or the root's event id
    event_id TEXT NOT NULL,
    event_pos INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    pos INTEGER NOT NULL,
    PRIMARY KEY (room_nid, user_id, kind, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_room_pos ON receipts (room_nid, pos);
CREATE INDEX receipts_by_pos ON receipts (pos);

CREATE TABLE typing (
    room_nid INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    until_ts INTEGER NOT NULL,        -- in the past: not typing any more
    pos INTEGER NOT NULL,
    PRIMARY KEY (room_nid, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX typing_by_pos ON typing (pos);

CREATE TABLE account_data (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,        -- 0: not about a room
    kind TEXT NOT NULL,
    content TEXT NOT NULL,            -- JSON object
    pos INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_nid, kind)
) STRICT;
CREATE INDEX account_data_by_pos ON account_data (user_id, pos);

CREATE TABLE filters (
    user_id TEXT NOT NULL,
    filter_id TEXT NOT NULL,          -- hash of the filter, so that the same filter has one id
    filter TEXT NOT NULL,
    PRIMARY KEY (user_id, filter_id)
) STRICT;

-- Users whose keys or devices changed, at their newest change.
CREATE TABLE device_list_changes (
    user_id TEXT PRIMARY KEY,
    pos INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_list_changes_by_pos ON device_list_changes (pos);

-- Users whose identity somebody signed: for the other devices of the signer alone, since nobody else sees it.
CREATE TABLE signed_user_changes (
    signer_user TEXT NOT NULL,
    user_id TEXT NOT NULL,            -- who was signed
    pos INTEGER NOT NULL,
    PRIMARY KEY (signer_user, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signed_user_changes_by_pos ON signed_user_changes (signer_user, pos);

CREATE TABLE to_device (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    pos INTEGER NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (user_id, device_id, pos)
) STRICT;

CREATE TABLE device_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    json TEXT NOT NULL,               -- as uploaded
    PRIMARY KEY (user_id, device_id)
) STRICT;

-- A key that was handed out stays for a while, marked, so that an upload that is repeated after it doesn't offer
-- the same key a second time.
CREATE TABLE one_time_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,             -- without the algorithm
    uploaded_ts INTEGER NOT NULL,     -- the oldest is handed out first
    claimed INTEGER NOT NULL,         -- handed out
    json TEXT NOT NULL,
    PRIMARY KEY (user_id, device_id, algorithm, key_id)
) STRICT;
CREATE INDEX one_time_keys_left ON one_time_keys (user_id, device_id, algorithm, uploaded_ts) WHERE claimed = 0;

CREATE TABLE fallback_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    json TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id, algorithm)
) STRICT;

CREATE TABLE cross_signing_keys (
    user_id TEXT NOT NULL,
    usage TEXT NOT NULL,              -- master, self_signing, user_signing
    key_id TEXT NOT NULL,             -- the public key, base64
    json TEXT NOT NULL,
    PRIMARY KEY (user_id, usage)
) STRICT;

-- Signatures on devices and identities that came later than the key itself.
CREATE TABLE key_signatures (
    target_user TEXT NOT NULL,
    target_key TEXT NOT NULL,         -- device id, or public key of an identity
    signer_user TEXT NOT NULL,
    signer_key TEXT NOT NULL,         -- such as ed25519:BASE64
    signature TEXT NOT NULL,          -- verified when it came in
    PRIMARY KEY (target_user, target_key, signer_user, signer_key)
) STRICT;
CREATE INDEX key_signatures_by_signer ON key_signatures (signer_user, signer_key);

CREATE TABLE backup_versions (
    user_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    auth_data TEXT NOT NULL,
    etag INTEGER NOT NULL,            -- grows with every change of its keys
    key_count INTEGER NOT NULL,       -- how many keys it has
    key_bytes INTEGER NOT NULL,       -- how large their session_data is together
    deleted INTEGER NOT NULL,
    PRIMARY KEY (user_id, version)
) STRICT;

CREATE TABLE backup_keys (
    user_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    first_message_index INTEGER NOT NULL,
    forwarded_count INTEGER NOT NULL,
    is_verified INTEGER NOT NULL,
    session_data TEXT NOT NULL,
    PRIMARY KEY (user_id, version, room_id, session_id)
) STRICT;

CREATE TABLE media (
    media_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    content_type TEXT,
    file_name TEXT,
    size_bytes INTEGER NOT NULL,
    hash TEXT NOT NULL,               -- SHA-256 of the content, hexadecimal: its name in the blob store
    created_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX media_by_hash ON media (hash);

-- Scaled pictures. They can be made again at any time.
CREATE TABLE thumbnails (
    hash TEXT NOT NULL,               -- of the original
    width INTEGER NOT NULL,           -- of the box it was fitted to, not of the picture
    height INTEGER NOT NULL,
    method TEXT NOT NULL,             -- crop, scale
    thumbnail_hash TEXT NOT NULL,     -- its name in the blob store
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (hash, width, height, method)
) STRICT;

-- Where devices want to be notified. An application on a device has one pusher for each push key.
CREATE TABLE pushers (
    user_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    device_id TEXT NOT NULL,          -- that set it, and with which it goes
    json TEXT NOT NULL,               -- as the client set it
    PRIMARY KEY (user_id, app_id, pushkey)
) STRICT;
CREATE INDEX pushers_by_key ON pushers (app_id, pushkey);
