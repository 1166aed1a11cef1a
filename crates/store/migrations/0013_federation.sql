-- Public keys of other servers, as they published them.
CREATE TABLE server_keys (
    server_name TEXT NOT NULL,
    key_id TEXT NOT NULL,             -- such as ed25519:a1b2
    public_key TEXT NOT NULL,         -- base64 without padding
    valid_until_ts INTEGER NOT NULL,  -- what it signed after that isn't good; at most 7 days after it was fetched
    fetched_ts INTEGER NOT NULL,
    PRIMARY KEY (server_name, key_id)
) STRICT, WITHOUT ROWID;
